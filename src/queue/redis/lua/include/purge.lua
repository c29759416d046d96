-- Deletes final tasks, with all that belongs to them. A chunk goes with its last task.
--@include moves
--@state gone, chunks = {}, {}

local function leaveChunk(number) chunks[number] = (chunks[number] or 0) + 1 end

-- Deletes a task that succeeded in its row.
local function purgeRow(C, slot, row)
  local _, _, worker = parse(ROW, row)
  setRows(C, slot, 1, IS_GONE)
  leaveChunk(C.number)
  count(SUCCEEDED, -1)
  workerUsed(worker, -1)
  add('fence', math.max(0, C.fence + 1 - valueOf('fence')))
  if C.width == 0 then return end
  local uniq = uniqOf(C, slot)
  append(gone, uniq)
  gather(drops, 'f', uniq)
end

local function purge(T)
  leave(T)
  if T.C then
    purgeRow(T.C, T[SLOT], rowAt(T.C, T[SLOT]))
  else
    count(T[STATE], -1)
    add('fence', math.max(0, T[FENCE] - valueOf('fence')))
    append(gone, T.uniq)
    leaveChunk(T[CHUNK])
    if T[WORKER] > 0 then workerUsed(T[WORKER], -1) end
    for field, bit in pairs(BITS) do
      if has(T, bit) then gather(drops, field, T.uniq) end
    end
    if has(T, HAS_LOG_LIST) then call('DEL', Q .. 'L:' .. T.uniq) end
    call('DEL', Q .. 'C:' .. T.uniq, Q .. 'P:' .. T.uniq)
  end
  T[STATE] = MISSING
end

-- Before commit().
local function writePurged()
  if gone[1] then callMany('HDEL', Q .. 't', gone) end
  for number, by in pairs(chunks) do
    local name = text(number)
    if call('HINCRBY', Q .. 'c', name, -by) <= 0 then
      call('HDEL', Q .. 'c', name)
      call('DEL', Q .. 'S:' .. name, Q .. 'M:' .. name, Q .. 'U:' .. name)
      call('ZREM', Q .. 'n', name)
      if rowsChanged[number] then rowsChanged[number].isDeleted = true end
    end
  end
end
