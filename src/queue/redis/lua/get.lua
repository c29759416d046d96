#!lua flags=no-writes
-- Reads tasks.
-- ARGV[3]  unique parts Bc0
-- Reply: there B for each, and, where it is 1, the task as addTask packs it; the tasks' values
--@include record
--@main
for _, uniq in ipairs(readInputNames()) do
  local T = load(uniq)
  parts[#parts + 1] = T and '\1' or '\0'
  if T then addTask(T) end
end
return { table.concat(parts), values }
