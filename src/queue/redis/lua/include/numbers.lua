-- The queue's numbers, in the hash q: the last value of each counter, number (creation), place (lanes), run (leases), ended
-- (final runs), worker and effect (outbox); how many tasks are in each state, '0' to '7'; over, the ends there have been; fence,
-- the highest fence of a task that was deleted; multi, the open lanes that are not their tenant's only one. The names are
-- strings, since Redis is slow to make them of Lua's numbers.
--@include base
--@state numbers, written = {}, {}

-- Reads several at once; what else is used is read one by one.
local function readNumbers(names)
  local found = call('HMGET', Q .. 'q', unpack(names))
  for i = 1, #names do numbers[names[i]] = tonumber(found[i]) or 0 end
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
    values[n + 1], values[n + 2] = name, text(numbers[name])
  end
  call('HSET', Q .. 'q', unpack(values))
end

-- Calls a variadic command with as many arguments as Lua can pass at a time.
local function callMany(command, key, values)
  for first = 1, #values, 2000 do
    call(command, key, unpack(values, first, math.min(first + 1999, #values)))
  end
end
