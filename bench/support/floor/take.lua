-- The least that a drain can do: ends the tasks that are named, then leases up to ARGV[1] more by moving them to the leased.
-- KEYS: payloads (hash), line (list), leased (sorted set by the lease's end). ARGV: max, the lease's end, ended ids …
-- Answers {ids, payloads}.
if #ARGV > 2 then
  local ended = {}
  for place = 3, #ARGV do ended[#ended + 1] = ARGV[place] end
  redis.call("ZREM", KEYS[3], unpack(ended))
  redis.call("HDEL", KEYS[1], unpack(ended))
end
local ids = redis.call("LPOP", KEYS[2], ARGV[1])
if not ids then return { {}, {} } end
local leases = {}
for _, id in ipairs(ids) do
  leases[#leases + 1] = ARGV[2]
  leases[#leases + 1] = id
end
redis.call("ZADD", KEYS[3], unpack(leases))
return { ids, redis.call("HMGET", KEYS[1], unpack(ids)) }
