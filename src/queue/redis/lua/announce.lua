#!lua
-- Keeps which workers wait for tasks, in the sorted set A by the time until which they are taken for present.
-- ARGV[3]  milliseconds from now
-- ARGV[4]  and on: workers, as settings.ts writes them
--@include base
--@main
local members, untilMs = {}, text(NOW + tonumber(INPUT))
for i = 4, #ARGV - 1 do
  members[#members + 1] = untilMs
  members[#members + 1] = ARGV[i]
end
call('ZREMRANGEBYSCORE', Q .. 'A', '-inf', NOW)
call('ZADD', Q .. 'A', unpack(members))
return 1
