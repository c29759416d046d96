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
readNumbers({ 'number', 'place', 'fence', 'arrived', '2', '0', '1', '3', '4' })
local room = tasksMax - numbers['2'] - numbers['0'] - numbers['1'] - numbers['3'] - numbers['4']
local fence = numbers['fence'] -- a task that comes again under a deleted one's id has a higher one
number, place = numbers['number'], numbers['place']

local heads, puts, starts, created, outcomes, own = {}, {}, {}, {}, {}, {}
local pushes, run = {}, nil

local function put(field, uniq, value)
  local values = puts[field] or {}
  puts[field] = values
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
    if toStart > 0 then starts[#starts + 1], starts[#starts + 2] = NOW + toStart, uniq end
  end
  return flags
end

local function pushRun()
  if not run then return end
  local entry = pack(ENTRY, run.chunk, run.slot, run.n, run.n == 1 and 0 or run.bytes, run.place)
  if run.n == 1 then entry = entry .. run.uniq end
  local entries = pushes[run.lane]
  if entries then entries[#entries + 1] = entry else pushes[run.lane] = { entry } end
  run = nil
end

local function enter(lane, chunk, slot, bytes, uniq)
  if run and run.lane == lane and run.slot + run.n == slot then
    run.n = run.n + 1
  else
    pushRun()
    run = { lane = lane, chunk = chunk, slot = slot, n = 1, bytes = bytes, place = place, uniq = uniq }
  end
end

for arg = FIRST_CHUNK, #ARGV - 1 do
  local blob = ARGV[arg]
  local names, lengths, bytes = readIndex(blob)
  local there = call('HMGET', Q .. 't', unpack(names))
  local first, kept, offset = number + 1, 0, bytes
  for slot = 0, #names - 1 do
    local uniq, more, priority = names[slot + 1], PLAIN, byte(INPUT, at)
    at = at + 1
    if priority >= 16 then
      priority, more = priority - 16, readMore()
    end
    local outcome
    if there[slot + 1] then
      outcome = known(uniq, byte(there[slot + 1]), more.fingerprint)
    elseif own[uniq] then
      outcome = own[uniq] == more.fingerprint and '\1\2' or '\2\2'
    elseif #created >= room then
      outcome = '\3\0'
    else
      place, kept = place + 1, kept + 1
      local flags = more == PLAIN and 0 or putMore(uniq, more)
      local n = #heads
      heads[n + 1] = uniq
      heads[n + 2] = pack(HEAD, QUEUED, priority, QUEUED, flags, 0, 1, 0, fence, 1, place,
        first, slot, offset, lengths[slot + 1], 0, NOW, NOW, 0, 0, 0)
      enter(more.lane == '' and char(48 + priority) or more.lane, first, slot, bytes, uniq)
      created[#created + 1] = uniq
      own[uniq] = more.fingerprint
      outcome = '\0\2'
    end
    offset = offset + lengths[slot + 1]
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
for field, fields in pairs(puts) do callMany('HSET', Q .. field, fields) end
if starts[1] then callMany('ZADD', Q .. 'D', starts) end
for lane, entries in pairs(pushes) do lanePush(lane, entries, 'RPUSH') end
numbers['number'], written['number'] = number, true
numbers['place'], written['place'] = place, true
count(QUEUED, #created)
add('arrived', #created)
writeNumbers()
return { table.concat(outcomes), { tell(true, created, {}) } }
