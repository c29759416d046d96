#!lua flags=no-writes
-- Tasks by creation, newest first.
-- ARGV[3]  before which number (0: from the newest)
-- ARGV[4]  how many tasks to look at
-- ARGV[5]  states wanted, a bit each
-- ARGV[6]  1: dead letters only
-- ARGV[7]  bytes after which it stops
-- Reply: tasks (number I5, then as addTask packs it), the number and the time of creation of the last one looked at, 1: that
-- was the last one of all, the tasks' values
--@include record
--@state before, most, states, bytesMax = tonumber(args[3]), tonumber(args[4]), tonumber(args[5]), tonumber(args[7])
--@state seen, number, created = 0, 0, 0

local function look(T)
  seen, number, created = seen + 1, T[CHUNK] + T[SLOT], T[CREATED]
  if band(states, 2 ^ T[STATE]) == 0 then return end
  parts[#parts + 1] = pack('>I5', number)
  addTask(T)
end

local function ended() return seen >= most or bytes >= bytesMax end

local function lookAtDead()
  for _, uniq in ipairs(call('ZREVRANGEBYSCORE', Q .. 'X', '(' .. text(before), '-inf', 'LIMIT', 0, most)) do
    if ended() then return false end
    look(load(uniq))
  end
  return not ended()
end

local function lookAtAll()
  local limit = '(' .. text(before)
  while true do
    local chunk = call('ZREVRANGEBYSCORE', Q .. 'n', limit, '-inf', 'LIMIT', 0, 1)[1]
    if not chunk then return true end
    local first = tonumber(chunk)
    local C = chunkOf(first)
    for slot = math.min(C.n, before - first) - 1, 0, -1 do
      if ended() then return false end
      local T = loadSlot(C, slot)
      -- A task that is gone may have come again under its name.
      if T and T[CHUNK] == first and T[SLOT] == slot then look(T) end
    end
    limit = '(' .. chunk
  end
end

--@main
if before == 0 then before = 2 ^ 40 end
number = before
local exhausted
if ARGV[6] == '1' then exhausted = lookAtDead() else exhausted = lookAtAll() end
return { table.concat(parts), number, created, exhausted and 1 or 0, values }
