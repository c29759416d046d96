#!lua
-- Keeps which workers wait for tasks: in the sorted set A by the time until which they are taken for present, with their labels
-- in the hash a.
-- ARGV[3]  milliseconds from now
-- ARGV[4]  and on: workers' ids, each followed by its labels (lane.ts: labelsName)
--@include base
--@main
local gone = call('ZRANGEBYSCORE', Q .. 'A', '-inf', NOW, 'LIMIT', 0, 1000)
if gone[1] then
  call('ZREM', Q .. 'A', unpack(gone))
  call('HDEL', Q .. 'a', unpack(gone))
end
local untilMs = text(NOW + tonumber(INPUT))
for i = 4, #ARGV - 1, 2 do
  call('ZADD', Q .. 'A', untilMs, ARGV[i])
  call('HSET', Q .. 'a', ARGV[i], ARGV[i + 1])
end
return 1
