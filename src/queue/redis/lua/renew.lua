#!lua flags=allow-oom
-- Moves the ends of leases, as far as the attempts' timeouts let them.
-- ARGV[3]  items: unique Bc0, fence I4, lease in milliseconds I6
-- outcomes: accepted B, state B (255 missing)
--@include commit
--@include timeouts
--@main
local at, outcomes = 1, {}
while at <= #INPUT do
  local uniq, fence, leaseMs
  uniq, fence, leaseMs, at = parse('>Bc0I4I6', INPUT, at)
  local T = load(uniq)
  local accepted = T and T[STATE] == RUNNING and T[FENCE] == fence
  if accepted then
    local due, z = NOW + leaseMs, timeoutsOf(T)
    if z then
      accepted = limitOf(T, z) > NOW
      due = math.min(due, limitOf(T, z))
      z.leaseMs = leaseMs
      if accepted then set(T, 'z', packTimeouts(z)) end
    end
    if accepted then
      if T.C then
        leaseRow(T, due)
      else
        leaseUntil(T, due)
        save(T)
      end
    end
  end
  outcomes[#outcomes + 1] = char(accepted and 1 or 0, T and T[STATE] or MISSING)
end
return { table.concat(outcomes), commit() }
