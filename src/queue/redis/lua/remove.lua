#!lua flags=allow-oom
-- Deletes tasks that are final.
-- ARGV[3]  unique parts Bc0
-- outcomes: deleted B
--@include purge
--@main
local outcomes = {}
for _, uniq in ipairs(readInputNames()) do
  local T = load(uniq)
  local final = T and T[STATE] >= SUCCEEDED and T[STATE] ~= MISSING
  if final then purge(T) end
  outcomes[#outcomes + 1] = char(final and 1 or 0)
end
writePurged()
return { table.concat(outcomes), commit() }
