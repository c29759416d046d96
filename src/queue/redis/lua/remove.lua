#!lua flags=allow-oom
-- Deletes tasks that are final.
-- ARGV[3]  unique parts Bc0
-- outcomes: deleted B
--@include purge
local at, outcomes, removed = 1, {}, {}
while at <= #INPUT do
  local uniq
  uniq, at = parse('>Bc0', INPUT, at)
  local T = not removed[uniq] and load(uniq)
  local final = T and T[STATE] >= SUCCEEDED
  if final then
    purge(T)
    removed[uniq] = true
  end
  outcomes[#outcomes + 1] = char(final and 1 or 0)
end
writePurged()
return { table.concat(outcomes), commit() }
