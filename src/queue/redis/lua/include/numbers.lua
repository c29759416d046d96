-- The queue's numbers, in the hash q: the last value of each counter, number (creation), place (lanes), run (leases), ended
-- (final runs), worker and effect (outbox); how many tasks are in each state, '0' to '7'; over, the ends there have been; fence,
-- the highest fence of a task that was deleted; multi, the open lanes that are not their tenant's only one; capped, whether there is
-- a cap; paused, whether there is a pause. The names are
-- strings, since Redis is slow to make them of Lua's numbers.
--@include base
--@state numbers, written = {}, {}

-- Reads several at once, and what lies beside them as packed text: policy (policy.lua) and turns (lanes.lua), '' for none. What
-- else is used is read one by one.
--@state packed = {}
local function readNumbers(names, withPacked)
  local n = #names
  if withPacked then names[n + 1], names[n + 2] = 'policy', 'turns' end
  local found = call('HMGET', Q .. 'q', unpack(names))
  for i = 1, n do numbers[names[i]] = tonumber(found[i]) or 0 end
  if withPacked then packed.policy, packed.turns = found[n + 1] or '', found[n + 2] or '' end
end

local function packedOf(name)
  packed[name] = packed[name] or call('HGET', Q .. 'q', name) or ''
  return packed[name]
end

local function writePacked(name, value)
  packed[name], written[name] = value, true
end

local function valueOf(name)
  if not numbers[name] then numbers[name] = tonumber(call('HGET', Q .. 'q', name) or nil) or 0 end
  return numbers[name]
end

local function add(name, by)
  numbers[name] = valueOf(name) + by
  written[name] = true
  return numbers[name]
end

-- The next value of a counter.
local function take(name) return add(name, 1) end

local function count(state, by) add(char(48 + state), by) end

local function writeNumbers()
  if not next(written) then return end
  local values = {}
  for name in pairs(written) do
    local n = #values
    values[n + 1], values[n + 2] = name, packed[name] or text(numbers[name])
  end
  call('HSET', Q .. 'q', unpack(values))
end

-- Calls a variadic command with as many arguments as Lua can pass at a time.
local function callMany(command, key, values)
  for first = 1, #values, 2000 do
    call(command, key, unpack(values, first, math.min(first + 1999, #values)))
  end
end
