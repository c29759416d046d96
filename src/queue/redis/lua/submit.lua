#!lua
-- Takes in tasks of any kind. Refused as a whole when memory is full.
-- ARGV[3]  items, as include/intake.lua says, each with: known parents B (0: one is missing), time kind B (0 none, 1 at, 2 after)
--          and time I6, parents I4c0, pending parents I4 × (id I4c0, condition c1)
-- ARGV[4]  unfinished tasks that the queue may hold
-- ARGV[5]  and on: chunks
-- outcomes: status B (0 created, 1 existing, 2 conflict, 3 full, 4 unknown parent), state B
--@include moves
--@include intake
local function create(T, due, more, named, parents)
  if more.lane ~= '' then set(T, 'g', more.lane) end
  if more.fingerprint ~= '' then set(T, 'f', more.fingerprint) end
  if more.header ~= '' then set(T, 'h', more.header) end
  if more.timeouts ~= '' then set(T, 'z', more.timeouts) end
  if named ~= '' then set(T, 'd', named) end
  T[DUE] = due
  if parents[1] then
    T[STATE] = BLOCKED
    blockOn(T, parents)
  elseif due > NOW then
    T[STATE] = SCHEDULED
    enterScheduled(T, due)
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

--@main
readNumbers({ '0', '1', '2', '3', '4', 'number', 'place', 'fence' })
local fence = numbers['fence'] -- a task that comes again under a deleted one's id has a higher one
local unfinished = numbers['0'] + numbers['1'] + numbers['2'] + numbers['3'] + numbers['4']
local outcomes = {}
for arg = FIRST_CHUNK, #ARGV - 1 do
  local blob = ARGV[arg]
  local names, lengths, bytes = readIndex(blob)
  local first, kept, offset = add('number', 0) + 1, 0, bytes
  for slot = 0, #names - 1 do
    local uniq, more, priority = names[slot + 1], PLAIN, byte(INPUT, inputAt)
    inputAt = inputAt + 1
    if priority >= 16 then
      priority, more = priority - 16, readMore()
    end
    local knows, timeKind, time, named, n, parents
    knows, timeKind, time, named, n, inputAt = parse('>BBI6I4c0I4', INPUT, inputAt)
    parents, inputAt = parseParents(n, inputAt)
    local there = load(uniq)
    local outcome
    if there then
      local was = get(there, 'f') or ''
      outcome = char(was == more.fingerprint and 1 or 2, there[STATE])
    elseif knows == 0 then
      outcome = '\4\0'
    elseif unfinished >= tasksMax then
      outcome = '\3\0'
    else
      local T = { 0, priority, 0, 0, 0, 1, 0, fence, 1, 0, 0, 0, 0, 0, first, slot, offset, lengths[slot + 1], NOW, 0 }
      T.uniq = uniq
      create(T, timeKind == 1 and time or timeKind == 2 and NOW + time or 0, more, named, parents)
      kept = kept + 1
      unfinished = unfinished + 1
      outcome = char(0, T[STATE])
    end
    offset = offset + lengths[slot + 1]
    append(outcomes, outcome)
  end
  if kept > 0 then
    keepChunk(first, blob, kept)
    add('number', #names)
  end
end
return { table.concat(outcomes), commit() }
