#!lua flags=no-writes
-- What holds the queue's tasks back.
-- ARGV[3]  a concurrency key, or ''
-- Reply: settings (the role's policy, the operator's, the pause), running, running of the key, when the queue's rate and the
-- key's are full again, now, workers that were present lately, and their labels
--@include numbers
--@main
local settings = call('HMGET', Q .. 'G', 'role', 'operator', 'pause')
for i = 1, 3 do settings[i] = settings[i] or '' end
local ofKey = INPUT ~= '' and call('HGET', Q .. 'K', INPUT) or 0
local full = call('HGET', Q .. 'q', 'full') or '0'
local keyFull = INPUT ~= '' and call('HGET', Q .. 'k', INPUT) or '0'
local workers = call('ZRANGEBYSCORE', Q .. 'A', NOW, '+inf', 'LIMIT', 0, 100)
local labels = workers[1] and call('HMGET', Q .. 'a', unpack(workers)) or {}
return { settings, valueOf('3'), tonumber(ofKey), full, keyFull, text(NOW), workers, labels }
