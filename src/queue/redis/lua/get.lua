#!lua flags=no-writes
-- Reads tasks.
-- ARGV[3]  unique parts Bc0
-- Reply: there B for each, and, where it is 1, the task as addTask packs it; the tasks' values
--@include record
--@main
local names, at = {}, 1
while at <= #INPUT do names[#names + 1], at = parse('>Bc0', INPUT, at) end
loadAll(names)
for i = 1, #names do
  local T = load(names[i])
  parts[#parts + 1] = T and '\1' or '\0'
  if T then addTask(T) end
end
return { table.concat(parts), values }
