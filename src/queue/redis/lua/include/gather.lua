-- Adds to lines: members are gathered by bucket, {number → {place % 64, task, …}}, and written with one command a bucket.
--@include base
local function gather(buckets, place, uniq)
  local number = floor(place / SPAN)
  local members = buckets[number]
  if members then
    local n = #members
    members[n + 1] = char(place % SPAN)
    members[n + 2] = uniq
  else
    buckets[number] = { char(place % SPAN), uniq }
  end
end

local function lineWrite(line, buckets)
  for number, members in pairs(buckets) do
    local bucket = format('%.0f', number)
    local key = Q .. line .. ':' .. bucket
    call('HSET', key, unpack(members))
    if call('HLEN', key) == #members / 2 then call('ZADD', Q .. line, bucket, bucket) end
  end
end
