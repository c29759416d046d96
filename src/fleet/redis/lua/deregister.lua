#!lua flags=allow-oom
-- Forgets instances. It may run when memory is full: it gives some back.
-- ARGV[2]  and on: their ids
-- Reply: how many there were
local isNews = lapse()
local gone = 0
for at = 2, #ARGV do
  gone = gone + call('ZREM', R .. 'x', ARGV[at])
  call('HDEL', R .. 'i', ARGV[at])
  call('HDEL', R .. 'b', ARGV[at])
end
if isNews or gone > 0 then tell() end
return gone
