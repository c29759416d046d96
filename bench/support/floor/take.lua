-- The least that a drain can do: ends a batch that was leased, then leases up to ARGV[1] more as one batch with one lease.
-- KEYS: payloads (hash), line (list), leased (sorted set of batches by their lease's end), the batch's list, the ended batch's
-- list. ARGV: max, the lease's end, ended ids … Answers the ids and their payloads: {ids, payloads}.
if #ARGV > 2 then
  local ended = {}
  for place = 3, #ARGV do ended[#ended + 1] = ARGV[place] end
  redis.call("ZREM", KEYS[3], KEYS[5])
  redis.call("DEL", KEYS[5])
  redis.call("HDEL", KEYS[1], unpack(ended))
end
local ids = ARGV[1] ~= "0" and redis.call("LPOP", KEYS[2], ARGV[1])
if not ids then return { {}, {} } end
redis.call("ZADD", KEYS[3], ARGV[2], KEYS[4])
redis.call("RPUSH", KEYS[4], unpack(ids))
return { ids, redis.call("HMGET", KEYS[1], unpack(ids)) }
