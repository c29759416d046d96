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
local rate, keyRate = policy.rate or {}, policy.ratePerKey or {}
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
    rate.perSecond or 0, rate.burst or 0, keyRate.perSecond or 0, keyRate.burst or 0, weighted))
end
add('capped', (policy.runningMax and 1 or 0) - valueOf('capped'))
-- What a former policy held back is looked at again.
for _, lane in ipairs(call('HKEYS', Q .. 'B')) do
  local _, key = laneParts(lane)
  unpark(key)
end
call('DEL', Q .. 'Z')
ready = true
return { '', commit() }
