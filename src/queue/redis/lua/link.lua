#!lua flags=allow-oom
-- In the parent's queue: registers children that wait for tasks here. Registering twice changes nothing.
-- ARGV[3]  items: parent's unique Bc0, child's id Bc0
-- outcomes: the parent's state B (255 missing); one that is not final has the child registered
--@include commit
--@main
local at, outcomes = 1, {}
while at <= #INPUT do
  local uniq, child
  uniq, child, at = parse('>Bc0Bc0', INPUT, at)
  local T = load(uniq)
  if T and T[STATE] < SUCCEEDED then
    call('SADD', Q .. 'C:' .. uniq, child)
    if not has(T, HAS_CHILDREN) then
      T[FLAGS] = bor(T[FLAGS], HAS_CHILDREN)
      save(T)
    end
  end
  outcomes[#outcomes + 1] = char(T and T[STATE] or MISSING)
end
return { table.concat(outcomes), commit() }
