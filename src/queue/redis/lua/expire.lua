#!lua flags=allow-oom
-- Takes expired leases back, as task.ts decided; leaves one that was renewed, ended or leased again since.
-- ARGV[3]  items: unique Bc0, fence I4, again B, delay I6, failure I4c0, reason I4c0
-- outcomes: taken back B
--@include moves
--@main
local at, outcomes = 1, {}
while at <= #INPUT do
  local uniq, fence, again, delay, failure, reason
  uniq, fence, again, delay, failure, reason, at = parse('>Bc0I4BI6I4c0I4c0', INPUT, at)
  local T = load(uniq)
  local expired = T and T[STATE] == RUNNING and T[FENCE] == fence and T[DUE] <= NOW
  if expired then
    leave(T)
    revoke(T, fence)
    fail(T, again == 1, delay, failure, reason)
    save(T)
  end
  outcomes[#outcomes + 1] = char(expired and 1 or 0)
end
return { table.concat(outcomes), commit() }
