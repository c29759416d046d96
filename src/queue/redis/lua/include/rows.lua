-- Takes chunks in whose tasks can be leased at once: they live in their rows. Nothing is looked at of a task whose id is made.
-- The input says of such a chunk: runs B, each lane I2c0, slot B, tasks B; timeouts to start B, each slot B, milliseconds I6; then,
-- where its tasks have names, the fingerprint of each Bc0. Outcomes: its number I5, and as intake.lua has them.
--@include intake
--@include lanes
--@state inRows, prints, entries, named, own, toStart = {}, {}, {}, {}, {}, {}

-- The state of the task that has a name, if there is one.
local function stateOf(uniq, head)
  local C, found = placeBy(uniq, head)
  if not C then return found and byte(found) end
  local row = byte(rowAt(C, found))
  if row < MOVED then return row == 0 and QUEUED or row end
end

-- As known(), of a task that came in the same call.
local function knownOwn(uniq, fingerprint)
  return char(own[uniq].fingerprint == fingerprint and 1 or 2, own[uniq].state)
end

-- Looks at the tasks of a chunk that have names; answers their outcomes, and which slots are refused.
local function takeNamed(number, blob, n, width, room)
  local names = namesOf(blob, INDEX_BYTES + 4 * n + 1, width, n)
  local there, outcomes, refused, kept = call('HMGET', Q .. 't', unpack(names)), {}, {}, 0
  for slot = 0, n - 1 do
    local uniq, fingerprint = names[slot + 1], nil
    fingerprint, inputAt = parse('>Bc0', INPUT, inputAt)
    local state = stateOf(uniq, there[slot + 1])
    local outcome
    if state then
      outcome = known(uniq, state, fingerprint)
    elseif own[uniq] then
      outcome = knownOwn(uniq, fingerprint)
    elseif kept >= room then
      outcome = '\3\0'
    else
      local at = #inRows
      inRows[at + 1], inRows[at + 2] = uniq, pack('>BI5B', IN_ROW, number, slot)
      if fingerprint ~= '' then
        at = #prints
        prints[at + 1], prints[at + 2] = uniq, fingerprint
      end
      named[#named + 1] = uniq
      own[uniq], kept, outcome = { fingerprint = fingerprint, state = QUEUED }, kept + 1, '\0\2'
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

-- The runs of a chunk, and its timeouts to start by slot.
local function readRuns()
  local runs, starts, n = {}, {}, nil
  n, inputAt = parse('B', INPUT, inputAt)
  for i = 1, n do
    local run = {}
    run.lane, run.slot, run.n, inputAt = parse('>I2c0BB', INPUT, inputAt)
    runs[i] = run
  end
  n, inputAt = parse('B', INPUT, inputAt)
  for _ = 1, n do
    local slot, ms
    slot, ms, inputAt = parse('>BI6', INPUT, inputAt)
    starts[slot] = ms
  end
  return runs, starts
end

local function takeRows(blob)
  local n, width = parse('BB', blob, 15)
  local number, runs, starts = valueOf('number') + 1, readRuns()
  local told, refused, kept
  if width == 0 then
    told, refused, kept = takeMade(n, room)
  else
    told, refused, kept = takeNamed(number, blob, n, width, room)
  end
  if kept == 0 then return pack('>I5', number) .. told end
  room = room - kept
  -- A task that comes again under a deleted one's name has a higher fence; ids that are made never come again.
  keepChunk(number, blob, n, kept, width == 0 and 0 or valueOf('fence'))
  for i = 1, #runs do pushTaken(runs[i].lane, number, runs[i].slot, runs[i].n, refused) end
  for slot, ms in pairs(starts) do
    if not (refused and refused[slot]) then
      toStart[#toStart + 1] = NOW + ms
      toStart[#toStart + 1] = uniqOf(chunkOf(number), slot)
    end
  end
  if refused then
    local rows = {}
    for slot = 0, n - 1 do rows[slot + 1] = refused[slot] and IS_GONE or WAITS end
    keepRows(number, rows)
  end
  add('2', kept)
  add('arrived', kept)
  return pack('>I5', number) .. told
end

-- Writes what rows do not say. The lanes' entries are the caller's to write.
local function writeTaken()
  callMany('HSET', Q .. 't', inRows)
  callMany('HSET', Q .. 'f', prints)
  callMany('ZADD', Q .. 'D', toStart)
end
