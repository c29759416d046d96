-- What the items of a call gather: the queue's numbers, its indexes, its outbox and its signal; commit() writes it.
--@include gather
--@include tell
local additions = { n = {}, r = {}, f = {} }
local leased, unleased, scheduled = {}, {}, {}
local effects, changed, revoked, ready = {}, {}, {}, false

-- The queue's numbers: the last value of each counter, number (creation), place (ready), ended (final) and effect (outbox);
-- how many tasks are in each state, '0' to '7'; and fence, the highest fence of a task that was deleted. The names are
-- strings, since Redis is slow to make them of Lua's numbers.
local numbers, written = {}, {}

-- Reads several at once; what else is used is read one by one.
local function readNumbers(names)
  local found = call('HMGET', Q .. 'q', unpack(names))
  for i = 1, #names do numbers[names[i]] = tonumber(found[i]) or 0 end
end

local function add(name, by)
  local value = (numbers[name] or tonumber(call('HGET', Q .. 'q', name)) or 0) + by
  numbers[name] = value
  written[name] = true
  return value
end

-- The next value of a counter.
local function take(name) return add(name, 1) end

local function count(state, by) add(char(48 + state), by) end

local function lineAdd(line, place, uniq) gather(additions[line], place, uniq) end

-- Calls a variadic command with as many arguments as Lua can pass at a time.
local function callMany(command, key, values)
  for first = 1, #values, 1000 do
    call(command, key, unpack(values, first, math.min(first + 999, #values)))
  end
end

-- The last step of every script that changes something. Answers with the outbox entries that were added, after the signal
-- that is the caller's to tell.
local function commit()
  for line, buckets in pairs(additions) do lineWrite(line, buckets) end
  if leased[1] then callMany('ZADD', Q .. 'e', leased) end
  if unleased[1] then callMany('ZREM', Q .. 'e', unleased) end
  if scheduled[1] then callMany('ZADD', Q .. 's', scheduled) end
  if effects[1] then
    local members = {}
    for _, entry in ipairs(effects) do
      members[#members + 1] = string.match(entry, '^%d+')
      members[#members + 1] = entry
    end
    callMany('ZADD', Q .. 'o', members)
  end
  if next(written) then
    local values = {}
    for name in pairs(written) do
      local n = #values
      values[n + 1] = name
      values[n + 2] = numbers[name]
    end
    call('HSET', Q .. 'q', unpack(values))
  end
  local told = ready or changed[1] or revoked[1]
  table.insert(effects, 1, told and tell(ready, changed, revoked) or '')
  return effects
end
