#!lua
-- Adds entries to logs: signs of life. Refused as a whole when memory is full.
-- ARGV[3]  items: unique Bc0, fence I4, tokens d, dollars d, progress I4c0 (empty with 0 before it) preceded by B (1: set),
--          entries I4 × I4c0
-- outcomes: accepted B, state B (255 missing)
--@include commit
--@include timeouts
--@include usage
local function sign(T)
  local z = timeoutsOf(T)
  if not z then return end
  z.sign = NOW
  set(T, 'z', packTimeouts(z))
  if z.heartbeat > 0 then leaseUntil(T, math.max(T[DUE], math.min(NOW + z.leaseMs, limitOf(T, z)))) end
end

--@main
local at, outcomes = 1, {}
while at <= #INPUT do
  local uniq, fence, tokens, usd, hasProgress, progress, n, entry
  uniq, fence, tokens, usd, hasProgress, progress, n, at = parse('>Bc0I4ddBI4c0I4', INPUT, at)
  local T = load(uniq)
  local accepted = T and T[STATE] == RUNNING and T[FENCE] == fence
  for _ = 1, n do
    entry, at = parse('>I4c0', INPUT, at)
    if accepted then log(T, pack('>BI6', 0, NOW) .. entry) end
  end
  if accepted then
    if hasProgress == 1 then set(T, 'p', progress) end
    addUsage(T, tokens, usd)
    sign(T)
    if n > 0 then append(changed, uniq) end
    save(T)
  end
  outcomes[#outcomes + 1] = char(accepted and 1 or 0, T and T[STATE] or MISSING)
end
return { table.concat(outcomes), commit() }
