#!lua
-- Takes in tasks of any kind, each with a name, into heads. Refused as a whole when memory is full.
-- ARGV[3]  for each task: priority B, lane I2c0 ('' plain), fingerprint Bc0, header I4c0, timeouts Bc0, known parents B (0: one is
--          missing), time kind B (0 none, 1 at, 2 after) and time I6, parents I4c0, pending parents I4 × (id I4c0, condition c1)
-- ARGV[4]  unfinished tasks that the queue may hold
-- ARGV[5]  and on: chunks
-- outcomes: status B (0 created, 1 existing, 2 conflict, 3 full, 4 unknown parent), state B
--@include moves
--@include intake
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

--@main
local fence = valueOf('fence') -- a task that comes again under a deleted one's name has a higher one
local unended = unfinished()
local outcomes = {}
for arg = FIRST_CHUNK, #ARGV - 1 do
  local blob = ARGV[arg]
  local n, width = parse('BB', blob, 15)
  local names = namesOf(blob, INDEX_BYTES + 4 * n + 1, width, n)
  local number, kept, rows = valueOf('number') + 1, 0, {}
  for slot = 0, n - 1 do
    local uniq, task = names[slot + 1], readTask()
    local there = load(uniq)
    local outcome
    rows[slot + 1] = IS_GONE
    if there then
      local same = (get(there, 'f') or '') == task.fingerprint
      outcome = char(same and 1 or 2, there[STATE])
    elseif task.knows == 0 then
      outcome = '\4\0'
    elseif unended >= tasksMax then
      outcome = '\3\0'
    else
      local T = { 0, task.priority, 0, 0, 0, 1, 0, fence, 1, 0, 0, 0, 0, 0, number, slot, NOW, 0 }
      T.uniq = uniq
      create(T, task)
      kept = kept + 1
      unended = unended + 1
      rows[slot + 1] = HAS_MOVED
      outcome = char(0, T[STATE])
    end
    append(outcomes, outcome)
  end
  if kept > 0 then
    keepChunk(number, blob, kept, fence)
    keepRows(number, rows)
    add('number', n)
  end
end
return { table.concat(outcomes), commit() }
