-- What every script of the registry begins with; scripts.ts puts it before each. All keys lie in one hash slot:
--
-- KEYS[1]  the prefix of the registry's keys, to which the scripts append
--            x  zset  ids by the time until which their instances live, by this server's clock
--            i  hash  id → the instance's spec, as JSON
--            b  hash  id → `ROLE STATE TTL BEAT LOAD`: the last heartbeat, the load as JSON
--            e  string  the epoch: when this memory began
-- ARGV[1]  the channel of hints
local call = redis.call
local R = KEYS[1]
local clock = call('TIME')
local NOW = clock[1] * 1000 + math.floor(clock[2] / 1000)
local function text(n) return string.format('%.0f', n) end
local function tell() call('PUBLISH', ARGV[1], '') end
-- Forgets the instances whose time has run out, at most 1,000 of them: lists leave them out whether they are forgotten or not.
local function lapse()
  local gone = call('ZRANGEBYSCORE', R .. 'x', '-inf', NOW, 'LIMIT', 0, 1000)
  if not gone[1] then return false end
  call('ZREM', R .. 'x', unpack(gone))
  call('HDEL', R .. 'i', unpack(gone))
  call('HDEL', R .. 'b', unpack(gone))
  return true
end
