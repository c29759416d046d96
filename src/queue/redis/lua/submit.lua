#!lua
-- Takes in tasks of any kind: those that can be leased at once into rows, the others, each with a name, into heads. Refused as a
-- whole when memory is full.
-- ARGV[3]  for each chunk what rows.lua says; or, where it has no kinds, for each task: priority B, lane I2c0 ('' plain), fingerprint
--          Bc0, header I4c0, timeouts Bc0, known parents B (0: one is missing), time kind B (0 none, 1 at, 2 after) and time I6,
--          parents I4c0, pending parents I4 × (id I4c0, condition c1)
-- ARGV[4]  unfinished tasks that the queue may hold
-- ARGV[5]  and on: chunks
-- outcomes: of each chunk, as rows.lua and intake.lua have them
--@include moves
--@include rows
local function create(T, task)
  if task.lane ~= '' then set(T, 'g', task.lane) end
  if task.fingerprint ~= '' then set(T, 'f', task.fingerprint) end
  if task.header ~= '' then set(T, 'h', task.header) end
  if task.timeouts ~= '' then set(T, 'z', task.timeouts) end
  if task.named ~= '' then set(T, 'd', task.named) end
  T[DUE] = task.due
  if task.parents[1] then
    T[STATE] = BLOCKED
    blockOn(T, task.parents)
  elseif task.due > NOW then
    T[STATE] = SCHEDULED
    enterScheduled(T, task.due)
  else
    T[STATE] = QUEUED
    enterReady(T, false)
  end
  T[FIRST_STATE] = T[STATE]
  count(T[STATE], 1)
  add('arrived', 1)
  append(changed, T.uniq)
  loaded[T.uniq] = T
  own[T.uniq] = { fingerprint = task.fingerprint, state = T[STATE] }
  save(T)
end

local function readTask()
  local task, timeKind, time, n = {}, nil, nil, nil
  task.priority, task.lane, task.fingerprint, task.header, task.timeouts, inputAt = parse('>BI2c0Bc0I4c0Bc0', INPUT, inputAt)
  task.knows, timeKind, time, task.named, n, inputAt = parse('>BBI6I4c0I4', INPUT, inputAt)
  task.parents, inputAt = parseParents(n, inputAt)
  task.due = timeKind == 1 and time or timeKind == 2 and NOW + time or 0
  return task
end

local function takeHeads(blob)
  local n, width = parse('BB', blob, 15)
  local names = namesOf(blob, INDEX_BYTES + 4 * n + 1, width, n)
  -- A task that comes again under a deleted one's name has a higher fence.
  local number, fence, kept, rows, outcomes = valueOf('number') + 1, valueOf('fence'), 0, {}, {}
  for slot = 0, n - 1 do
    local uniq, task = names[slot + 1], readTask()
    local there = load(uniq)
    local outcome
    rows[slot + 1] = IS_GONE
    if there then
      local same = (get(there, 'f') or '') == task.fingerprint
      outcome = char(same and 1 or 2, there[STATE])
    elseif own[uniq] then
      outcome = knownOwn(uniq, task.fingerprint)
    elseif task.knows == 0 then
      outcome = '\4\0'
    elseif room == 0 then
      outcome = '\3\0'
    else
      local T = { 0, task.priority, 0, 0, 0, 1, 0, fence, 1, 0, 0, 0, 0, 0, number, slot, NOW, 0 }
      T.uniq = uniq
      create(T, task)
      kept, room = kept + 1, room - 1
      rows[slot + 1] = HAS_MOVED
      outcome = char(0, T[STATE])
    end
    outcomes[slot + 1] = outcome
  end
  if kept > 0 then
    keepChunk(number, blob, n, kept, fence)
    keepRows(number, rows)
  end
  return table.concat(outcomes)
end

--@main
-- So that tasks of one lane stand there in their order, wherever they live.
entries = pushes
local outcomes = {}
for arg = FIRST_CHUNK, #ARGV - 1 do
  local blob = ARGV[arg]
  append(outcomes, byte(blob, 17) > 0 and takeRows(blob) or takeHeads(blob))
end
writeTaken()
for i = 1, #named do append(changed, named[i]) end
ready = ready or next(pushes) ~= nil
return { table.concat(outcomes), commit() }
