#!lua
-- Keeps which workers wait for tasks, in the sorted set A by the time until which they are taken for present, and their labels
-- in the hash a.
-- ARGV[3]  milliseconds from now
-- ARGV[4]  and on: each worker's id, and its labels (lane.ts: labelsName)
--@include base
--@main
local members, labels, untilMs = {}, {}, text(NOW + tonumber(INPUT))
for i = 4, #ARGV - 1, 2 do
  local n = #members
  members[n + 1], members[n + 2] = untilMs, ARGV[i]
  labels[n + 1], labels[n + 2] = ARGV[i], ARGV[i + 1]
end
for _, worker in ipairs(call('ZRANGEBYSCORE', Q .. 'A', '-inf', NOW)) do
  call('ZREM', Q .. 'A', worker)
  call('HDEL', Q .. 'a', worker)
end
call('ZADD', Q .. 'A', unpack(members))
call('HSET', Q .. 'a', unpack(labels))
return 1
