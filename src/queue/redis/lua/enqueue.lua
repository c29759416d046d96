#!lua
-- Takes in tasks that can be leased at once; submit.lua takes in those that wait for a parent or for a time. This is the
-- most frequent call of all, and what submit.lua does for every kind of task it does with a part of the functions.
-- ARGV[3]  items, as include/intake.lua says
-- ARGV[4]  unfinished tasks that the queue may hold
-- ARGV[5]  and on: chunks
-- outcomes: status B (0 created, 1 existing, 2 conflict, 3 full), state B
--@include lanes
--@include intake
--@include tell
--@state fields, starting, entries, run = {}, {}, {}, nil

local function put(field, uniq, value)
  local values = fields[field] or {}
  fields[field] = values
  local n = #values
  values[n + 1], values[n + 2] = uniq, value
  return BITS[field]
end

local function putMore(uniq, more)
  local flags = 0
  if more.lane ~= '' then flags = flags + put('g', uniq, more.lane) end
  if more.fingerprint ~= '' then flags = flags + put('f', uniq, more.fingerprint) end
  if more.header ~= '' then flags = flags + put('h', uniq, more.header) end
  if more.timeouts ~= '' then
    flags = flags + put('z', uniq, more.timeouts)
    local toStart = parse('>I6', more.timeouts)
    if toStart > 0 then starting[#starting + 1], starting[#starting + 2] = NOW + toStart, uniq end
  end
  return flags
end

local function pushRun()
  if not run then return end
  local entry = pack(ENTRY, run.chunk, run.slot, run.n, run.n == 1 and 0 or run.bytes, run.place)
  if run.n == 1 then entry = entry .. run.uniq end
  local pushed = entries[run.lane]
  if pushed then pushed[#pushed + 1] = entry else entries[run.lane] = { entry } end
  run = nil
end

--@main
readNumbers({ 'number', 'place', 'fence', 'arrived', '2', '0', '1', '3', '4' })
local room = tasksMax - numbers['2'] - numbers['0'] - numbers['1'] - numbers['3'] - numbers['4']
local fence = numbers['fence'] -- a task that comes again under a deleted one's id has a higher one
local number, place = numbers['number'], numbers['place']
local heads, created, outcomes, own, fronts = {}, {}, {}, {}, {}
local times = pack('>I6I6', NOW, NOW)

for arg = FIRST_CHUNK, #ARGV - 1 do
  local blob = ARGV[arg]
  local names, lengths, bytes = readIndex(blob)
  local there = call('HMGET', Q .. 't', unpack(names))
  local first, kept, offset = number + 1, 0, bytes
  local chunk = pack('>I6I6I4I6I5', 0, 0, 0, 0, first)
  for slot = 0, #names - 1 do
    local uniq, more, priority = names[slot + 1], PLAIN, byte(INPUT, inputAt)
    inputAt = inputAt + 1
    if priority >= 16 then
      priority, more = priority - 16, readMore()
    end
    local length, outcome = lengths[slot + 1], nil
    if there[slot + 1] then
      outcome = known(uniq, byte(there[slot + 1]), more.fingerprint)
    elseif own[uniq] then
      outcome = own[uniq] == more.fingerprint and '\1\2' or '\2\2'
    elseif #created >= room then
      outcome = '\3\0'
    else
      place, kept = place + 1, kept + 1
      local flags = more == PLAIN and 0 or putMore(uniq, more)
      local front = flags == 0 and fronts[priority]
      if not front then
        front = pack('>BBBI3I2I2I2I4I4', QUEUED, priority, QUEUED, flags, 0, 1, 0, fence, 1)
        if flags == 0 then fronts[priority] = front end
      end
      local n = #heads
      heads[n + 1] = uniq
      heads[n + 2] = front .. pack('>I6', place) .. chunk .. pack('>BI4I4', slot, offset, length) .. times
      local lane = more.lane == '' and LANES[priority] or more.lane
      if run and run.lane == lane and run.slot + run.n == slot then
        run.n = run.n + 1
      else
        pushRun()
        run = { lane = lane, chunk = first, slot = slot, n = 1, bytes = bytes, place = place, uniq = uniq }
      end
      created[#created + 1] = uniq
      own[uniq] = more.fingerprint
      outcome = '\0\2'
    end
    offset = offset + length
    outcomes[#outcomes + 1] = outcome
  end
  pushRun()
  if kept > 0 then
    keepChunk(first, blob, kept)
    number = number + #names
  end
end

if not created[1] then return { table.concat(outcomes), { '' } } end
callMany('HSET', Q .. 't', heads)
for field, values in pairs(fields) do callMany('HSET', Q .. field, values) end
if starting[1] then callMany('ZADD', Q .. 'D', starting) end
for lane, pushed in pairs(entries) do lanePush(lane, pushed, 'RPUSH') end
numbers['number'], written['number'] = number, true
numbers['place'], written['place'] = place, true
count(QUEUED, #created)
add('arrived', #created)
writeNumbers()
return { table.concat(outcomes), { tell(true, created, {}) } }
