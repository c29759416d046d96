#!lua flags=no-writes
-- Counts of the queue.
-- ARGV[3]  what is soon, in ms
-- ARGV[4]  how many of those to count
-- Reply: the counts of the eight states, dead letters, when the oldest ready task was queued (-1: none), SCHEDULED tasks that
-- are due soon, tasks taken in, ends,
-- and the settings as configure.lua keeps them: the role's policy, the operator's, the pause
--@include task
--@include runs
--@constant LANES_LOOKED_AT 100
--@state oldest = -1
local function lookAt(lane)
  local entry = firstOf(listOf(lane))
  local run = entry and runOf(entry)
  if not run or not settleRun(run) then return end
  local since = isInRow(run) and run.C.created or load(nameOf(run))[QUEUED_AT]
  if oldest < 0 or since < oldest then oldest = since end
end

--@main
if valueOf('2') > 0 then
  local sets = call('SMEMBERS', Q .. 'Y')
  sets[#sets + 1] = ''
  for _, labels in ipairs(sets) do
    local first = call('ZRANGE', lanesKey(labels), 0, LANES_LOOKED_AT - 1)
    readLists(first)
    for _, lane in ipairs(first) do lookAt(lane) end
  end
  for i, lane in ipairs(call('HKEYS', Q .. 'B')) do
    if i <= LANES_LOOKED_AT then lookAt(lane) end
  end
end
local settings = call('HMGET', Q .. 'G', 'role', 'operator', 'pause')
for i = 1, 3 do settings[i] = settings[i] or '' end
local counts = {}
for state = 0, 7 do counts[state + 1] = valueOf(char(48 + state)) end
local soon = counts[SCHEDULED + 1] > 0 and call('ZCOUNT', Q .. 'S', '-inf', NOW + tonumber(INPUT)) or 0
return { counts, call('ZCARD', Q .. 'X'), oldest, math.min(soon, tonumber(ARGV[4])), valueOf('arrived'), valueOf('over'), settings }
