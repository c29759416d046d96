-- The least that a submit can do: keeps payloads and puts their ids in line.
-- KEYS: payloads (hash), line (list). ARGV: id, payload, id, payload, … Answers how many are in line.
local ids = {}
for place = 1, #ARGV, 2 do ids[#ids + 1] = ARGV[place] end
redis.call("HSET", KEYS[1], unpack(ARGV))
return redis.call("RPUSH", KEYS[2], unpack(ids))
