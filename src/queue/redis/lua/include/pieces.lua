-- Lists of tasks: a task's name, or neighbours in a chunk. Packed: 0 B and a name Bc0, or 1 B, chunk I5, slot B, tasks B.
--@include chunk
local function addSlots(list, C, slot, n)
  local last = list[#list]
  if last and last.C == C and last.slot + last.n == slot then
    last.n = last.n + n
  else
    list[#list + 1] = { C = C, number = C.number, slot = slot, n = n }
  end
end

local function packPieces(list)
  local packed = {}
  for i = 1, #list do
    local piece = list[i]
    if type(piece) == 'string' then
      packed[i] = pack('>BBc0', 0, #piece, piece)
    else
      packed[i] = pack('>BI5BB', 1, piece.number, piece.slot, piece.n)
    end
  end
  return table.concat(packed)
end

-- Names, and tables of number, slot and n.
local function unpackPieces(packed, at)
  local list = {}
  while at <= #packed do
    if byte(packed, at) == 0 then
      list[#list + 1], at = parse('>Bc0', packed, at + 1)
    else
      local piece = {}
      piece.number, piece.slot, piece.n, at = parse('>I5BB', packed, at + 1)
      list[#list + 1] = piece
    end
  end
  return list
end

-- As a signal tells them: names, and, of ids that are made, CHUNK.SLOT.TASKS.STAMP.
local function tellPieces(list)
  local told = {}
  for i = 1, #list do
    local piece = list[i]
    local C = piece.C
    if not C then
      told[#told + 1] = piece
    elseif C.width == 0 then
      told[#told + 1] = table.concat({ C.name, piece.slot, piece.n, C.stamp }, '.')
    else
      for slot = piece.slot, piece.slot + piece.n - 1 do told[#told + 1] = uniqOf(C, slot) end
    end
  end
  return told
end
