#!lua flags=allow-oom
-- In the child's queue: a parent has ended. Met parents leave the child's set; one that was not met stays there, for the
-- day when the child is retried. Settling twice changes nothing.
-- ARGV[3]  items: child's unique Bc0, parent's id I4c0, verdict by condition SUCCEEDED B (1 met), failure I4c0, reason I4c0;
--          condition FINISHED is met by any end
-- outcomes: the child's state B (255 missing)
--@include moves
local function met(T, uniq, parent)
  call('HDEL', Q .. 'P:' .. uniq, parent)
  if T[STATE] ~= BLOCKED then return end
  T[PENDING] = T[PENDING] - 1
  if T[PENDING] == 0 then open(T, T[DUE], 'its parents have ended') end
  save(T)
end

--@main
local at, outcomes = 1, {}
while at <= #INPUT do
  local uniq, parent, succeeded, failure, reason
  uniq, parent, succeeded, failure, reason, at = parse('>Bc0I4c0BI4c0I4c0', INPUT, at)
  local T = load(uniq)
  local condition = T and call('HGET', Q .. 'P:' .. uniq, parent)
  if condition then
    if condition == 'F' or succeeded == 1 then
      met(T, uniq, parent)
    elseif T[STATE] == BLOCKED then
      set(T, 'e', failure)
      finalize(T, FAILED, reason)
      save(T)
    end
  end
  outcomes[#outcomes + 1] = char(T and T[STATE] or MISSING)
end
return { table.concat(outcomes), commit() }
