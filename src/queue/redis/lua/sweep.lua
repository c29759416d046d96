#!lua flags=allow-oom
-- Queues what is due, deletes what is past its retention, and lists what the caller has to decide on or deliver.
-- ARGV[3]  retention in milliseconds
-- ARGV[4]  final tasks that the queue may keep
-- ARGV[5]  items of each kind in one call
-- Reply: expired leases (unique Bc0, fence I4, attempt I2, header I4c0), outbox entries, promoted, purged, milliseconds until
-- the next scheduled task or lease is due (-1: none)
--@include moves
local retentionMs, keptMax, batch = tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5])

local function promote()
  local due = call('ZRANGEBYSCORE', Q .. 's', '-inf', NOW, 'LIMIT', 0, batch)
  for _, uniq in ipairs(due) do
    local T = load(uniq)
    leave(T)
    queue(T, false, '')
    save(T)
  end
  return #due
end

local function purge(T)
  local uniq = T.uniq
  leave(T)
  lineRemove('n', T[NUMBER])
  count(T[STATE], -1)
  add('fence', math.max(0, T[FENCE] - add('fence', 0)))
  call('DEL', T.key, Q .. 'l:' .. uniq, Q .. 'c:' .. uniq, Q .. 'p:' .. uniq)
end

local function purgeOld()
  local kept = 0
  for _, n in ipairs(call('HMGET', Q .. 'q', SUCCEEDED, FAILED, CANCELED)) do kept = kept + (tonumber(n) or 0) end
  local purged = 0
  while purged < batch do
    local bucket = call('ZRANGE', Q .. 'f', 0, 0)[1]
    if not bucket then return purged end
    for _, member in ipairs(lineMembers('f', bucket)) do
      local T = load(member[2])
      if purged == batch or (kept - purged <= keptMax and T[FINISHED] + retentionMs > NOW) then return purged end
      purge(T)
      purged = purged + 1
    end
  end
  return purged
end

local function listExpired()
  local listed = {}
  for i, uniq in ipairs(call('ZRANGEBYSCORE', Q .. 'e', '-inf', NOW, 'LIMIT', 0, batch)) do
    local got = call('HMGET', Q .. 't:' .. uniq, 'm', 'h')
    local T = taskOf(uniq, got[1])
    local header = got[2] or ''
    listed[i] = pack('>Bc0I4I2I4c0', #uniq, uniq, T[FENCE], T[ATTEMPT], #header, header)
  end
  return table.concat(listed)
end

local function untilDue()
  local soonest = -1
  for _, key in ipairs({ 's', 'e' }) do
    local due = tonumber(call('ZRANGEBYSCORE', Q .. key, '(' .. NOW, '+inf', 'WITHSCORES', 'LIMIT', 0, 1)[2])
    if due and (soonest < 0 or due - NOW < soonest) then soonest = due - NOW end
  end
  return soonest
end

local promoted, purged = promote(), purgeOld()
local expired = listExpired()
local signal = commit()[1]
return { expired, call('ZRANGE', Q .. 'o', 0, batch - 1), promoted, purged, untilDue(), signal }
