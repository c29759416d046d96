#!lua flags=no-writes
-- Counts of the queue.
-- Reply: the counts of the eight states, dead letters, when the oldest ready task was queued (-1: none)
--@include task
--@include line
local counts = call('HMGET', Q .. 'q', '0', '1', '2', '3', '4', '5', '6', '7')
for i = 1, 8 do counts[i] = tonumber(counts[i]) or 0 end

-- A line's part between two places: its buckets' first or last member.
local function queuedAt(command, from, to, pick)
  local bucket = call(command, Q .. 'r', from, to, 'LIMIT', 0, 1)[1]
  if not bucket then return end
  local members = lineMembers('r', bucket)
  local T = load(members[pick == 'first' and 1 or #members][2])
  return T and T[QUEUED_AT]
end

local oldest = -1
for priority = 0, counts[QUEUED + 1] > 0 and 9 or -1 do
  local low = (9 - priority) * PRIORITY_SPAN / SPAN
  local middle, high = low + ARRIVALS / SPAN, low + PRIORITY_SPAN / SPAN
  local function of(n) return format('%.0f', n) end
  local arrived = queuedAt('ZRANGEBYSCORE', of(middle), '(' .. of(high), 'first')
  local released = queuedAt('ZREVRANGEBYSCORE', '(' .. of(middle), of(low), 'last')
  for _, at in pairs({ arrived or false, released or false }) do
    if at and (oldest < 0 or at < oldest) then oldest = at end
  end
end
return { counts, call('ZCARD', Q .. 'x'), oldest }
