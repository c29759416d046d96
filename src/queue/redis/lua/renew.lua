#!lua flags=allow-oom
-- Moves the ends of leases.
-- ARGV[3]  items: unique Bc0, fence I4, lease in milliseconds I6
-- outcomes: accepted B, state B (255 missing)
--@include save
local at, outcomes = 1, {}
while at <= #INPUT do
  local uniq, fence, leaseMs
  uniq, fence, leaseMs, at = parse('>Bc0I4I6', INPUT, at)
  local T = load(uniq)
  local accepted = T and T[STATE] == RUNNING and T[FENCE] == fence
  if accepted then
    T[DUE] = NOW + leaseMs
    leased[#leased + 1] = T[DUE]
    leased[#leased + 1] = uniq
    save(T)
  end
  outcomes[#outcomes + 1] = char(accepted and 1 or 0, T and T[STATE] or MISSING)
end
return { table.concat(outcomes), commit() }
