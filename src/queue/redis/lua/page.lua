#!lua flags=no-writes
-- Tasks by creation, newest first.
-- ARGV[3]  before which number (0: from the newest)
-- ARGV[4]  how many tasks to look at
-- ARGV[5]  states wanted, a bit each
-- ARGV[6]  1: dead letters only
-- ARGV[7]  bytes after which it stops
-- Reply: tasks (number I5, then as addTask packs it), the number and the time of creation of the last one looked at, 1: that
-- was the last one of all, the tasks' values
--@include task
--@include line
--@include record
local before, most, states, dead, bytesMax =
  tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5]), ARGV[6] == '1', tonumber(ARGV[7])
if before == 0 then before = 2 ^ 40 end
local seen, number, created = 0, before, 0

local function look(uniq)
  local got = readTask(uniq)
  local T = taskOf(uniq, got[1])
  seen, number, created = seen + 1, T[NUMBER], T[CREATED]
  if band(states, 2 ^ T[STATE]) == 0 then return end
  parts[#parts + 1] = pack('>I5', number)
  addTask(uniq, got)
end

local function ended() return seen >= most or bytes >= bytesMax end

local function lookAtDead()
  local last = format('(%.0f', before)
  for _, uniq in ipairs(call('ZREVRANGEBYSCORE', Q .. 'x', last, '-inf', 'LIMIT', 0, most)) do
    if ended() then return false end
    look(uniq)
  end
  return not ended()
end

local function lookAtAll()
  local limit = bucketOf(before - 1)
  while true do
    local bucket = call('ZREVRANGEBYSCORE', Q .. 'n', limit, '-inf', 'LIMIT', 0, 1)[1]
    if not bucket then return true end
    local members = lineMembers('n', bucket)
    for i = #members, 1, -1 do
      if bucket * SPAN + members[i][1] < before then
        if ended() then return false end
        look(members[i][2])
      end
    end
    limit = '(' .. bucket
  end
end

local exhausted
if dead then exhausted = lookAtDead() else exhausted = lookAtAll() end
return { table.concat(parts), number, created, exhausted and 1 or 0, values }
