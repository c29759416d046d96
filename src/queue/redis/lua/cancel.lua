#!lua flags=allow-oom
-- Cancels what is not final. The fence moves, so that a worker's later writes are refused.
-- ARGV[3]  items: unique Bc0, reason I4c0
-- outcomes: changed B, state B (255 missing)
--@include moves
--@main
local at, outcomes = 1, {}
while at <= #INPUT do
  local uniq, reason
  uniq, reason, at = parse('>Bc0I4c0', INPUT, at)
  local T = load(uniq)
  local changes = T and T[STATE] < SUCCEEDED
  if changes then
    leave(T)
    if T[STATE] == RUNNING then revoke(T, T[FENCE]) end
    T[FENCE] = T[FENCE] + 1
    finalize(T, CANCELED, reason)
    save(T)
  end
  outcomes[#outcomes + 1] = char(changes and 1 or 0, T and T[STATE] or MISSING)
end
return { table.concat(outcomes), commit() }
