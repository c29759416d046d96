-- Puts what asks were given into the reply.
--@include asks
-- Where the pieces of a chunk are many and make up most of what lies between the first and the last, their specs come in one.
local function sharedSpecs(tasks)
  for i = 1, #tasks do
    local C, slot, n = tasks[i].C, tasks[i].slot, tasks[i].n
    if C then
      C.first, C.last = math.min(C.first or slot, slot), math.max(C.last or 0, slot + n - 1)
      C.used, C.pieces = (C.used or 0) + specEnd(C, slot + n - 1) - specEnd(C, slot - 1), (C.pieces or 0) + 1
    end
  end
end

--@constant OWN_SPECS 0
--@constant FIRST_OF_SHARED 1
--@constant SHARED_SPECS 2
local function addSpecs(C, piece)
  if C.isShared then return SHARED_SPECS, specEnd(C, piece.slot - 1) - specEnd(C, C.first - 1) end
  if C.pieces > 1 and 2 * C.used >= specEnd(C, C.last) - specEnd(C, C.first - 1) then
    C.isShared = true
    values[#values + 1] = specsOf(C, C.first, C.last - C.first + 1)
    return FIRST_OF_SHARED, specEnd(C, piece.slot - 1) - specEnd(C, C.first - 1)
  end
  values[#values + 1] = specsOf(C, piece.slot, piece.n)
  return OWN_SPECS, 0
end

-- The names of a piece's tasks, and the kind that they share.
local function addNames(C, piece)
  readNames(C)
  for slot = piece.slot, C.width > 0 and piece.slot + piece.n - 1 or -1 do
    parts[#parts + 1] = char(#C.names[slot + 1]) .. C.names[slot + 1]
  end
  if C.kinds == ONE_KIND then parts[#parts + 1] = sub(indexOf(C), C.kindAt, C.specsAt) end
end

local function addPiece(piece, ask)
  local C, slot, n = piece.C, piece.slot, piece.n
  local where, at = addSpecs(C, piece)
  parts[#parts + 1] = pack('>BI5BBI6I6I6I4BBc13BI4I4', 1, C.number, slot, n, NOW, ask.due, C.created, C.fence + 1,
    C.kinds, C.width, C.stamp, where, at, specEnd(C, slot - 1))
  parts[#parts + 1] = sub(indexOf(C), INDEX_BYTES + 4 * slot + 1, INDEX_BYTES + 4 * (slot + n))
  addNames(C, piece)
end

local function addGiven(ask)
  local tasks = ask.given
  for i = 1, #tasks do
    local T = tasks[i]
    if T.C then
      append(ask.run.tasks, T)
      append(changed, T)
      addPiece(T, ask)
    else
      parts[#parts + 1] = '\0'
      local mask = addHead(T, T.head)
      values[#values + 1] = specOf(T)
      addFields(T, mask)
    end
  end
end
