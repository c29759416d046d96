-- The queue's numbers, packed in the field `numbers` of the hash q: how many tasks are in each state, '0' to '7'; the last value of
-- each counter, number (creation), place (lanes), run (leases), ended (final runs), worker and effect (outbox); over, the ends there
-- have been; arrived, the tasks that came; fence, the highest fence of a task that was deleted; multi, the open lanes that are not
-- their tenant's only one; stale, mentions in lanes of tasks that wait there no more; capped and paused, whether there is a cap, and
-- a pause. Beside them lie, packed too, policy (policy.lua) and turns (lanes.lua).
--@include base
--@constant NUMBERS '>i6i6i6i6i6i6i6i6i6i6i6i6i6i6i6i6i6i6i6i6i6'
--@constant NUMBERS_COUNT 21
local AT = {
  ['0'] = 1, ['1'] = 2, ['2'] = 3, ['3'] = 4, ['4'] = 5, ['5'] = 6, ['6'] = 7, ['7'] = 8,
  number = 9, place = 10, run = 11, ended = 12, worker = 13, effect = 14, over = 15, arrived = 16, fence = 17,
  multi = 18, stale = 19, capped = 20, paused = 21,
}
--@state numbers, areChanged, packed, changedPacked = nil, false, {}, {}
local function unpackNumbers(found)
  if found then
    numbers = { parse(NUMBERS, found) }
  else
    numbers = {}
    for i = 1, NUMBERS_COUNT do numbers[i] = 0 end
  end
end

-- Reads all that the hash has packed at once; what is not there is ''.
local function readPacked()
  local found = call('HMGET', Q .. 'q', 'numbers', 'policy', 'turns')
  unpackNumbers(found[1])
  packed.policy, packed.turns = found[2] or '', found[3] or ''
end

local function packedOf(name)
  packed[name] = packed[name] or call('HGET', Q .. 'q', name) or ''
  return packed[name]
end

local function writePacked(name, value) packed[name], changedPacked[name] = value, value end

local function valueOf(name)
  if not numbers then unpackNumbers(call('HGET', Q .. 'q', 'numbers')) end
  return numbers[AT[name]]
end

local function add(name, by)
  local value = valueOf(name) + by
  numbers[AT[name]], areChanged = value, true
  return value
end

-- The next value of a counter.
local function take(name) return add(name, 1) end

local function count(state, by) add(char(48 + state), by) end

local function unfinished() return valueOf('0') + valueOf('1') + valueOf('2') + valueOf('3') + valueOf('4') end

local function writeNumbers()
  local values = areChanged and { 'numbers', pack(NUMBERS, unpack(numbers)) } or {}
  for name, value in pairs(changedPacked) do
    local n = #values
    values[n + 1], values[n + 2] = name, value
  end
  if values[1] then call('HSET', Q .. 'q', unpack(values)) end
end

-- Calls a variadic command with as many arguments as Lua can pass at a time.
local function callMany(command, key, values)
  for first = 1, #values, 2000 do
    call(command, key, unpack(values, first, math.min(first + 1999, #values)))
  end
end
