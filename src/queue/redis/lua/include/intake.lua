-- Takes tasks in as chunks, each an argument (chunk.lua has their format). The slots that are refused stay empty. Outcomes: for
-- each task status B (0 created, 1 existing, 2 conflict, 3 full, 4 unknown parent), state B.
--@include chunk
--@include numbers
--@constant FIRST_CHUNK 5
--@state inputAt = 1
-- How many more tasks the queue may take.
--@state room = math.max(0, tonumber(args[4]) - unfinished())

-- 1 existing, or 2 conflict, with the state of the task that has the id.
local function known(uniq, state, fingerprint)
  local was = call('HGET', Q .. 'f', uniq) or ''
  return char(was == fingerprint and 1 or 2, state)
end

local function keepChunk(number, blob, n, kept, fence)
  add('number', n)
  local name = text(number)
  chunksRead[number] = nil
  call('SET', Q .. 'S:' .. name, blob)
  call('SETRANGE', Q .. 'S:' .. name, 0, pack('>I6I4', NOW, fence))
  call('HSET', Q .. 'c', name, kept)
  call('ZADD', Q .. 'n', name, name)
end

local function keepRows(number, rows) call('SET', Q .. 'M:' .. text(number), table.concat(rows)) end
