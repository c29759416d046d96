-- Chunks: tasks that came together. S:NUMBER has what is written once, S: its index, then the specs. Its number is that of its first
-- task; the tasks count on from there, slot by slot. The index is:
--   created I6, fence I4 (both set by the script that takes the chunk in), bytes of the index I4, tasks B,
--   width of the names B (0: none, the ids are made of the stamp; 255: each with its length before it), kinds B (0: its
--   tasks have heads; ONE_KIND; OWN_KINDS: each spec has its task's kind before it), what some of them have B (HAS_KEYS,
--   HAS_TIMEOUTS), stamp of 13 bytes, then for each slot where its spec ends I4, the names, and the one kind: priority B, lane I2c0,
--   header I4c0, timeouts Bc0 (timeouts.lua).
-- The id that is made for a slot is the stamp, the slot in two digits, and the chunk's number.
--
-- M:NUMBER has a row for each slot. As long as a task lives a plain life (it waits, runs, succeeds at once) the row is all that
-- changes of it; whatever else befalls it moves it into a head of its own. Rows that are not there yet wait:
--   state B (0 waits; RUNNING, SUCCEEDED; MOVED: see its head; GONE), run of its lease or its end I6, worker I4, started I6,
--   the lease's end or the task's I6, the slot under which its output lies B
-- U:NUMBER is a hash of outputs, by the slot of the first task of those that ended together: tasks B, where each ends I4, outputs.
--@include base
--@constant INDEX '>I6I4I4BBBBc13'
--@constant INDEX_BYTES 31
--@constant LENGTH_PREFIXED 255
--@constant ONE_KIND 1
--@constant OWN_KINDS 2
--@constant KIND '>BI2c0I4c0Bc0'
--@constant HAS_KEYS 1
--@constant HAS_TIMEOUTS 2
-- What is read of a chunk at first where its whole index is needed: most are not longer.
--@constant INDEX_READ 768
--@constant ROW '>BI6I4I6I6B'
--@constant ROW_BYTES 24
--@constant NO_OUTPUT 255
--@constant MOVED 254
--@constant GONE 255
-- Stands, before the chunk and the slot, in place of the head of a task with a name of its own that lives in its row.
--@constant IN_ROW 255
local WAITS = '\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0'
local HAS_MOVED = '\254\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0'
local IS_GONE = '\255\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0'
--@state chunksRead, rowsChanged, indexRead = {}, {}, INDEX_BYTES

local function chunkOf(number)
  local C = chunksRead[number]
  if C ~= nil then return C end
  local name = text(number)
  local key = Q .. 'S:' .. name
  local index = call('GETRANGE', key, 0, indexRead - 1)
  if index == '' then
    chunksRead[number] = false
    return false
  end
  C = { number = number, name = name, key = key, spans = {}, rows = {} }
  C.created, C.fence, C.specsAt, C.n, C.width, C.kinds, C.has, C.stamp = parse(INDEX, index)
  if C.specsAt <= #index then C.index = index end
  chunksRead[number] = C
  return C
end

local function indexOf(C)
  C.index = C.index or call('GETRANGE', C.key, 0, C.specsAt - 1)
  return C.index
end

-- Where a slot's spec ends, counted from where the first begins; -1: where that is.
local function specEnd(C, slot)
  if slot < 0 then return 0 end
  return (parse('>I4', indexOf(C), INDEX_BYTES + 1 + 4 * slot))
end

local function specSize(C, slot)
  if slot == 0 then return specEnd(C, 0) end
  local from, to = parse('>I4I4', indexOf(C), INDEX_BYTES + 4 * slot - 3)
  return to - from
end

local function specsOf(C, slot, n)
  local from, to = specEnd(C, slot - 1), specEnd(C, slot + n - 1)
  if from == to then return '' end
  return call('GETRANGE', C.key, C.specsAt + from, C.specsAt + to - 1)
end

-- The names, where they are not made; and the position after them.
local function namesOf(index, at, width, n)
  local names = {}
  for i = 1, n do
    if width == LENGTH_PREFIXED then
      names[i], at = parse('>Bc0', index, at)
    else
      names[i] = sub(index, at, at + width - 1)
      at = at + width
    end
  end
  return names, at
end

local function readNames(C)
  if C.names then return end
  C.names, C.kindAt = {}, INDEX_BYTES + 4 * C.n + 1
  if C.width > 0 then C.names, C.kindAt = namesOf(indexOf(C), C.kindAt, C.width, C.n) end
end

local function uniqOf(C, slot)
  if C.width == 0 then return C.stamp .. format('%02d', slot) .. C.name end
  readNames(C)
  return C.names[slot + 1]
end

-- The chunk and the slot of an id that was made, as long as the chunk is there.
local function madeAt(uniq)
  local stamp, slot, number = string.match(uniq, '^(.............)(%d%d)([1-9]%d*)$')
  local C = stamp and chunkOf(tonumber(number))
  if C and C.width == 0 and C.stamp == stamp and tonumber(slot) < C.n then return C, tonumber(slot) end
end

-- The chunk and the slot of a task that lives in its row, or its head, or neither, by what the hash t has under its name: a head, or,
-- of a task with a name that lives in its row, IN_ROW B, chunk I5, slot B, or nothing.
local function placeBy(uniq, head)
  if not head then return madeAt(uniq) end
  if byte(head) ~= IN_ROW then return nil, head end
  local number, slot = parse('>I5B', head, 2)
  return chunkOf(number), slot
end

local function readKind(packed, at)
  local kind, after = {}, nil
  kind.priority, kind.lane, kind.header, kind.timeouts, after = parse(KIND, packed, at)
  return kind, after
end

-- A slot's priority, lane and header.
local function kindOf(C, slot)
  if C.kinds == OWN_KINDS then return (readKind(specsOf(C, slot, 1), 1)) end
  if not C.kind then
    readNames(C)
    C.kind = readKind(indexOf(C), C.kindAt)
  end
  return C.kind
end

-- A slot's spec without what may lie before it.
local function specAt(C, slot)
  local spec = specsOf(C, slot, 1)
  if C.kinds ~= OWN_KINDS then return spec end
  local _, after = readKind(spec, 1)
  return sub(spec, after)
end

-- Rows as they are stored, from a slot on: those that are asked for first, or all.
local function storedRows(C, slot, n)
  if not C.stored then
    if n == 1 then slot, n = 0, C.n end
    C.from, C.to = slot, slot + n
    C.stored = call('GETRANGE', Q .. 'M:' .. C.name, slot * ROW_BYTES, C.to * ROW_BYTES - 1)
  elseif slot < C.from or slot + n > C.to then
    C.from, C.to = 0, C.n
    C.stored = call('GET', Q .. 'M:' .. C.name) or ''
  end
  return C.stored
end

-- A row as it is now: changed by itself, or with neighbours, or as it is stored.
local function rowAt(C, slot)
  if C.rows[slot] then return C.rows[slot] end
  if C.stored == '' and not C.spans[1] and C.from == 0 and C.to == C.n then return WAITS end
  for i = #C.spans, 1, -1 do
    local span = C.spans[i]
    if span.slot <= slot and slot < span.slot + span.n then return span.row end
  end
  local stored = storedRows(C, slot, 1)
  local at = (slot - C.from) * ROW_BYTES
  return at < #stored and sub(stored, at + 1, at + ROW_BYTES) or WAITS
end

-- How many rows from a slot on are alike, up to `most`: mostly all of them.
local function alike(C, slot, most)
  if most == 1 then return 1 end
  local stored = storedRows(C, slot, most)
  if not rowsChanged[C.number] then
    if stored == '' then return most end
    if C.from == slot and #stored == most * ROW_BYTES and stored == string.rep(sub(stored, 1, ROW_BYTES), most) then
      return most
    end
  end
  local row, n = rowAt(C, slot), 1
  while n < most and rowAt(C, slot + n) == row do n = n + 1 end
  return n
end

local function setRows(C, slot, n, row)
  rowsChanged[C.number] = C
  if n == 1 then
    C.rows[slot] = row
    return
  end
  C.spans[#C.spans + 1] = { slot = slot, n = n, row = row }
  if next(C.rows) then
    for at = slot, slot + n - 1 do C.rows[at] = nil end
  end
end

local function writeAt(C, slot, rows) call('SETRANGE', Q .. 'M:' .. C.name, slot * ROW_BYTES, rows) end

-- Writes rows that changed one by one, neighbours together.
local function writeSingles(C)
  local slots = {}
  for slot in pairs(C.rows) do slots[#slots + 1] = slot end
  table.sort(slots)
  local first = 1
  for i = 1, #slots do
    if slots[i + 1] ~= slots[i] + 1 then
      local rows = {}
      for at = first, i do rows[#rows + 1] = C.rows[slots[at]] end
      writeAt(C, slots[first], table.concat(rows))
      first = i + 1
    end
  end
end

local function writeRows()
  for _, C in pairs(rowsChanged) do
    if not C.isDeleted then
      for i = 1, #C.spans do
        local span = C.spans[i]
        writeAt(C, span.slot, string.rep(span.row, span.n))
      end
      writeSingles(C)
    end
  end
end

-- One of the outputs that lie together.
local function outputOf(outputs, nth)
  local n = byte(outputs)
  local from = nth == 0 and 0 or parse('>I4', outputs, 4 * nth - 2)
  return sub(outputs, 4 * n + 2 + from, 4 * n + 1 + parse('>I4', outputs, 4 * nth + 2))
end

local function packOutput(output) return pack('>BI4', 1, #output) .. output end
