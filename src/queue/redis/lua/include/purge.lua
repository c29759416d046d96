-- Deletes final tasks, with all that belongs to them. A chunk goes with its last task.
--@include moves
--@state gone, chunks = {}, {}

local function purge(T)
  leave(T)
  count(T[STATE], -1)
  add('fence', math.max(0, T[FENCE] - valueOf('fence')))
  append(gone, T.uniq)
  chunks[T[CHUNK]] = (chunks[T[CHUNK]] or 0) + 1
  if T[WORKER] > 0 then workerUsed(T[WORKER], -1) end
  for field, bit in pairs(BITS) do
    if has(T, bit) then gather(drops, field, T.uniq) end
  end
  if has(T, HAS_LOG_LIST) then call('DEL', Q .. 'L:' .. T.uniq) end
  call('DEL', Q .. 'C:' .. T.uniq, Q .. 'P:' .. T.uniq)
  T[STATE] = MISSING
end

-- Before commit().
local function writePurged()
  if not gone[1] then return end
  callMany('HDEL', Q .. 't', gone)
  for chunk, by in pairs(chunks) do
    local name = text(chunk)
    if call('HINCRBY', Q .. 'c', name, -by) <= 0 then
      call('HDEL', Q .. 'c', name)
      call('DEL', Q .. 'S:' .. name)
      call('ZREM', Q .. 'n', name)
    end
  end
end
