#!lua
-- Changes the queue's settings. The hash G keeps them as they were given; the field policy of the hash q is what counts now,
-- packed for the lease script, and H has the tenants' weights.
-- ARGV[3]  '' (nothing), as the two that follow: the role's policy as JSON
-- ARGV[4]  the operator's policy as JSON; '-': there is none any more
-- ARGV[5]  the pause: JSON without its time; '-': resumed
--@include commit
--@main
local changes = { role = INPUT, operator = ARGV[4], pause = ARGV[5] }
for name, value in pairs(changes) do
  if value == '-' then
    call('HDEL', Q .. 'G', name)
  elseif name == 'pause' and value ~= '' then
    local pause = cjson.decode(value)
    pause.sinceMs = NOW
    call('HSET', Q .. 'G', name, cjson.encode(pause))
  elseif value ~= '' then
    call('HSET', Q .. 'G', name, value)
  end
end

local chosen = call('HGET', Q .. 'G', 'operator') or call('HGET', Q .. 'G', 'role') or '{}'
local policy = cjson.decode(chosen)
local ofQueue, ofKey = policy.rate or {}, policy.ratePerKey or {}
local weights, weighted = {}, 0
for tenant, weight in pairs(policy.tenantWeights or {}) do
  append(weights, tenant)
  append(weights, format('%.17g', weight))
  weighted = 1
end
call('DEL', Q .. 'H')
if weights[1] then callMany('HSET', Q .. 'H', weights) end
if chosen == '{}' then
  call('HDEL', Q .. 'q', 'policy')
else
  call('HSET', Q .. 'q', 'policy', pack('>I4I4ddddB', policy.runningMax or 0, policy.runningPerKeyMax or 0,
    ofQueue.perSecond or 0, ofQueue.burst or 0, ofKey.perSecond or 0, ofKey.burst or 0, weighted))
end
-- A rate that is changed begins with full buckets: what was taken at another's pace says nothing of it.
local function rateText(of) return of.perSecond and format('%.17g/%.17g', of.perSecond, of.burst) or '' end
local rates = { full = rateText(ofQueue), k = rateText(ofKey) }
local before = call('HMGET', Q .. 'G', 'rate', 'keyRate')
if (before[1] or '') ~= rates.full then call('HDEL', Q .. 'q', 'full') end
if (before[2] or '') ~= rates.k then call('DEL', Q .. 'k') end
call('HSET', Q .. 'G', 'rate', rates.full, 'keyRate', rates.k)
add('capped', (policy.runningMax and 1 or 0) - valueOf('capped'))
add('paused', call('HEXISTS', Q .. 'G', 'pause') - valueOf('paused'))
-- Each key that has lanes is looked at by the new policy.
call('DEL', Q .. 'Z')
local looked = {}
local function look(lane)
  local _, key = laneParts(lane)
  if key == '' or looked[key] then return end
  looked[key] = true
  if not parkIfHeld(key) then
    unpark(key)
    return
  end
  local _, at = keyHeld(key)
  if at then call('ZADD', Q .. 'Z', format('%.17g', at), key) end
end
for _, lane in ipairs(call('HKEYS', Q .. 'B')) do look(lane) end
local sets = call('SMEMBERS', Q .. 'Y')
append(sets, '')
for _, labels in ipairs(sets) do
  writeRanks()
  for _, lane in ipairs(call('ZRANGE', lanesKey(labels), 0, -1)) do look(lane) end
end
ready = true
return { '', commit() }
