-- Puts what asks were given into the reply.
--@include asks
--@include record
-- Where the pieces of a chunk are many and make up most of what lies between the first and the last, their specs come in one.
--@constant NONE 255
local function sharedSpecs(tasks)
  for i = 1, #tasks do
    local C, slot, n = tasks[i].C, tasks[i].slot, tasks[i].n
    if C then
      C.first, C.last = math.min(C.first or slot, slot), math.max(C.last or 0, slot + n - 1)
      C.used, C.pieces = (C.used or 0) + specEnd(C, slot + n - 1) - specEnd(C, slot - 1), (C.pieces or 0) + 1
    end
  end
end

local function addPiece(piece, ask)
  local C = piece.C
  if not C.isTold then
    C.isTold = true
    values[#values + 1] = sub(indexOf(C), 1, C.specsAt)
    C.isShared = C.pieces > 1 and 2 * C.used >= specEnd(C, C.last) - specEnd(C, C.first - 1)
    if C.isShared then values[#values + 1] = specsOf(C, C.first, C.last - C.first + 1) end
  end
  parts[#parts + 1] = pack('>BI5BBI6I6B', 1, C.number, piece.slot, piece.n, NOW, ask.due, C.isShared and C.first or NONE)
  if not C.isShared then values[#values + 1] = specsOf(C, piece.slot, piece.n) end
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
