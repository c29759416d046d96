-- Reads and shortens lines; commit.lua adds to them.
--@include base
local function bucketOf(place) return format('%.0f', floor(place / SPAN)) end

local function lineRemove(line, place)
  local bucket = bucketOf(place)
  local key = Q .. line .. ':' .. bucket
  call('HDEL', key, char(place % SPAN))
  if call('EXISTS', key) == 0 then call('ZREM', Q .. line, bucket) end
end

-- A bucket's members in order: {{place % 64, task}, …}.
local function lineMembers(line, bucket)
  local flat = call('HGETALL', Q .. line .. ':' .. bucket)
  local members, sorted, last = {}, true, -1
  for i = 1, #flat, 2 do
    local place = byte(flat[i])
    if place < last then sorted = false end
    last = place
    members[#members + 1] = { place, flat[i + 1] }
  end
  if not sorted then table.sort(members, function(a, b) return a[1] < b[1] end) end
  return members
end
