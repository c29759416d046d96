#!lua flags=no-writes
-- Reads a part of a task's log.
-- ARGV[3]  the task's unique part
-- ARGV[4]  the first sequence wanted, from 1
-- ARGV[5]  how many
-- Reply: state (255 missing), last sequence, first kept, sequence of the first entry given, entries
--@include task
--@main
local uniq, from, most = INPUT, tonumber(ARGV[4]), tonumber(ARGV[5])
local T = load(uniq)
if not T then return { MISSING } end
local given, firstKept = {}, 1
if not has(T, HAS_LOG_LIST) then
  local entries = logEntries(T)
  for i = from, math.min(#entries, from + most - 1) do given[#given + 1] = entries[i] end
else
  local key = Q .. 'L:' .. uniq
  firstKept = T[LAST] - call('LLEN', key) + 1
  from = math.max(from, firstKept)
  if most > 0 then given = call('LRANGE', key, from - firstKept, from - firstKept + most - 1) end
end
return { T[STATE], T[LAST], firstKept, from, given }
