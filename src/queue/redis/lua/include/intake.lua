-- Takes tasks in as chunks, each an argument (runs.lua has their format); the input says beside each task what it is:
-- priority B, plus 16 where more follows: lane I2c0 ('' plain), fingerprint Bc0, header I4c0, timeouts Bc0.
--@include runs
--@constant FIRST_CHUNK 5
--@state tasksMax, inputAt = tonumber(args[4]), 1
local LANES = { [0] = '0', '1', '2', '3', '4', '5', '6', '7', '8', '9' }
local PLAIN = { lane = '', fingerprint = '', header = '', timeouts = '' }

local function readMore()
  local more = {}
  more.lane, more.fingerprint, more.header, more.timeouts, inputAt = parse('>I2c0Bc0I4c0Bc0', INPUT, inputAt)
  return more
end

-- The names and the spec lengths of a chunk, and the bytes of its index.
local function readIndex(blob)
  local bytes, n = parse('>I2B', blob)
  local names, lengths, at = indexNames(blob, 0, n), {}, bytes - 4 * n + 1
  for i = 1, n do lengths[i], at = parse('>I4', blob, at) end
  return names, lengths, bytes
end

-- 1 existing, or 2 conflict, with the state of the task that has the id.
local function known(uniq, state, fingerprint)
  local was = call('HGET', Q .. 'f', uniq) or ''
  return char(was == fingerprint and 1 or 2, state)
end

local function keepChunk(first, blob, kept)
  local name = text(first)
  call('SET', Q .. 'S:' .. name, blob)
  call('HSET', Q .. 'c', name, kept)
  call('ZADD', Q .. 'n', name, name)
end
