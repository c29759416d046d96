#!lua
-- Takes in tasks that can be leased at once and have no timeouts: they live in their rows. submit.lua takes in the others. This
-- is the most frequent call of all: it looks at none of the tasks of a chunk whose ids are made.
-- ARGV[3]  for each chunk: runs B, each lane I2c0, slot B, tasks B; then, where its tasks have names, the fingerprint of each Bc0
-- ARGV[4]  unfinished tasks that the queue may hold
-- ARGV[5]  and on: chunks
-- outcomes: for each chunk its number I5, and for each task status B (0 created, 1 existing, 2 conflict, 3 full), state B
--@include intake
--@include lanes
--@include tell
--@state heads, prints, entries, named = {}, {}, {}, {}

-- The state of the task that has a name, if there is one.
local function stateOf(uniq, head)
  local C, slot
  if not head then
    C, slot = madeAt(uniq)
    if not C then return end
  elseif byte(head) ~= IN_ROW then
    return byte(head)
  else
    local number
    number, slot = parse('>I5B', head, 2)
    C = chunkOf(number)
  end
  local row = byte(rowAt(C, slot))
  if row < MOVED then return row == 0 and QUEUED or row end
end

-- Looks at the tasks of a chunk that have names; answers their outcomes, and which slots are refused.
local function takeNamed(number, blob, n, width, room)
  local names = namesOf(blob, INDEX_BYTES + 4 * n + 1, width, n)
  local there, own, outcomes, refused, kept = call('HMGET', Q .. 't', unpack(names)), {}, {}, {}, 0
  for slot = 0, n - 1 do
    local uniq, fingerprint = names[slot + 1], nil
    fingerprint, inputAt = parse('>Bc0', INPUT, inputAt)
    local state = stateOf(uniq, there[slot + 1])
    local outcome
    if state then
      outcome = known(uniq, state, fingerprint)
    elseif own[uniq] then
      outcome = own[uniq] == fingerprint and '\1\2' or '\2\2'
    elseif kept >= room then
      outcome = '\3\0'
    else
      local at = #heads
      heads[at + 1], heads[at + 2] = uniq, pack('>BI5B', IN_ROW, number, slot)
      if fingerprint ~= '' then
        at = #prints
        prints[at + 1], prints[at + 2] = uniq, fingerprint
      end
      named[#named + 1] = uniq
      own[uniq], kept, outcome = fingerprint, kept + 1, '\0\2'
    end
    if byte(outcome) > 0 then refused[slot] = true end
    outcomes[slot + 1] = outcome
  end
  return table.concat(outcomes), kept < n and refused, kept
end

local function takeMade(n, room)
  local kept, refused = math.min(n, room), {}
  for slot = kept, n - 1 do refused[slot] = true end
  return string.rep('\0\2', kept) .. string.rep('\3\0', n - kept), kept < n and refused, kept
end

local function pushRun(lane, number, slot, n)
  if n == 0 then return end
  local pushed = entries[lane]
  if not pushed then
    pushed = {}
    entries[lane] = pushed
  end
  pushed[#pushed + 1] = entryOfSlots(number, slot, n)
end

local function pushTaken(lane, number, slot, n, refused)
  if not refused then return pushRun(lane, number, slot, n) end
  local first = slot
  for at = slot, slot + n - 1 do
    if refused[at] then
      pushRun(lane, number, first, at - first)
      first = at + 1
    end
  end
  pushRun(lane, number, first, slot + n - first)
end

--@main
local room = math.max(0, tasksMax - unfinished())
local outcomes, taken = {}, 0
for arg = FIRST_CHUNK, #ARGV - 1 do
  local blob, runs = ARGV[arg], {}
  local n, width = parse('BB', blob, 15)
  local number, runsLeft = valueOf('number') + 1, nil
  runsLeft, inputAt = parse('B', INPUT, inputAt)
  for i = 1, runsLeft do
    local run = {}
    run.lane, run.slot, run.n, inputAt = parse('>I2c0BB', INPUT, inputAt)
    runs[i] = run
  end
  local told, refused, kept
  if width == 0 then
    told, refused, kept = takeMade(n, room - taken)
  else
    told, refused, kept = takeNamed(number, blob, n, width, room - taken)
  end
  outcomes[#outcomes + 1] = pack('>I5', number) .. told
  if kept > 0 then
    taken = taken + kept
    -- A task that comes again under a deleted one's name has a higher fence; ids that are made never come again.
    keepChunk(number, blob, kept, width == 0 and 0 or valueOf('fence'))
    add('number', n)
    for i = 1, #runs do pushTaken(runs[i].lane, number, runs[i].slot, runs[i].n, refused) end
    if refused then
      local rows = {}
      for slot = 0, n - 1 do rows[slot + 1] = refused[slot] and IS_GONE or WAITS end
      keepRows(number, rows)
    end
  end
end

if taken == 0 then return { table.concat(outcomes), { '' } } end
callMany('HSET', Q .. 't', heads)
callMany('HSET', Q .. 'f', prints)
local lanes = {}
for lane in pairs(entries) do lanes[#lanes + 1] = lane end
readLists(lanes)
for lane, pushed in pairs(entries) do lanePush(lane, pushed) end
writeLists()
writeRanks()
add('2', taken)
add('arrived', taken)
writeNumbers()
return { table.concat(outcomes), { tell(true, named, {}) } }
