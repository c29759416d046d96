#!lua flags=allow-oom
-- Deletes tasks that are final.
-- ARGV[3]  unique parts Bc0
-- outcomes: deleted B
--@include purge
--@main
local at, outcomes = 1, {}
while at <= #INPUT do
  local uniq
  uniq, at = parse('>Bc0', INPUT, at)
  local T = load(uniq)
  local final = T and T[STATE] >= SUCCEEDED and T[STATE] ~= MISSING
  if final then purge(T) end
  outcomes[#outcomes + 1] = char(final and 1 or 0)
end
writePurged()
return { table.concat(outcomes), commit() }
