-- The moves between states, out of one index and into another.
--@include commit
--@include timeouts
-- Every move between states goes through here: its count, its log entry and its signal. The index is the mover's.
local function move(T, state, reason, worker)
  count(T[STATE], -1)
  count(state, 1)
  T[STATE] = state
  append(changed, T.uniq)
  log(T, changeEntry(NOW, state, T[ATTEMPT], worker or '', reason))
end

local function keyOf(T)
  if not has(T, BITS.g) then return '' end
  local _, key = laneParts(get(T, 'g'))
  return key
end

-- One task of a key runs more, or fewer: a place that it leaves is another's.
local function keyRuns(key, by)
  if key == '' then return end
  if call('HINCRBY', Q .. 'K', key, by) <= 0 then call('HDEL', Q .. 'K', key) end
  if keyStates[key] then keyStates[key].running = keyStates[key].running + by end
  if by < 0 and not keyHeld(key) and unpark(key) then ready = true end
end

-- Takes the task out of the index of its state. Lanes and final runs are checked when they are read.
local function leave(T)
  local state = T[STATE]
  if state == RUNNING then
    unlease(T)
    keyRuns(keyOf(T), -1)
    if valueOf('capped') == 1 then ready = true end
  elseif state == QUEUED then
    stale[laneNameOf(T)] = true
    add('stale', 1)
    if has(T, BITS.z) then append(unstarts, T.uniq) end
  elseif state == SCHEDULED then
    append(unscheduled, T.uniq)
  elseif has(T, IS_DEAD) then
    call('ZREM', Q .. 'X', T.uniq)
    T[FLAGS] = T[FLAGS] - IS_DEAD
  end
end

local function enterReady(T, first)
  T[PLACE] = take('place')
  T[DUE] = 0
  if not first then T[QUEUED_AT] = NOW end
  gather(first and fronts or pushes, laneNameOf(T), entryOf(T[PLACE], T.uniq))
  local z = timeoutsOf(T)
  if z and z.toStart > 0 then
    append(starts, T[QUEUED_AT] + z.toStart)
    append(starts, T.uniq)
  end
  ready = true
end

local function enterScheduled(T, due)
  T[DUE] = due
  append(scheduled, due)
  append(scheduled, T.uniq)
end

local function queue(T, first, reason)
  enterReady(T, first)
  move(T, QUEUED, reason)
end

-- Opens a task that waits for nothing any more but, perhaps, its time.
local function open(T, due, reason)
  if due > NOW then
    enterScheduled(T, due)
    move(T, SCHEDULED, reason)
  else
    queue(T, false, reason)
  end
end

-- Puts an effect on another queue's task into the outbox; effects.ts delivers it.
local function effect(kind, child, parent, state)
  append(effects, table.concat({ text(take('effect')), kind, state or '', child, parent }, '|'))
end

-- Blocks the task on parents that it has not waited for yet: {id, condition, …}.
local function blockOn(T, parents)
  local id = queueName() .. '.' .. T.uniq
  callMany('HSET', Q .. 'P:' .. T.uniq, parents)
  for i = 1, #parents, 2 do effect('link', id, parents[i]) end
  T[PENDING] = #parents / 2
end

-- Reads `n` parents at `at` of the input: {id, condition, …} and the next position.
local function parseParents(n, at)
  local parents = {}
  for i = 1, n do parents[2 * i - 1], parents[2 * i], at = parse('>I4c0c1', INPUT, at) end
  return parents, at
end

-- Ends the task, once its fields are set, and tells its children. Its log is plain when it succeeds at once.
local function finalize(T, state, reason)
  T[FINISHED], T[PLACE] = NOW, runOfEnds()
  append(finals, T.uniq)
  ends = ends + 1
  if state == FAILED then
    T[FLAGS] = bor(T[FLAGS], IS_DEAD)
    call('ZADD', Q .. 'X', text(T[CHUNK] + T[SLOT]), T.uniq)
  end
  if has(T, HAS_CHILDREN) then
    local id = queueName() .. '.' .. T.uniq
    for _, child in ipairs(call('SMEMBERS', Q .. 'C:' .. T.uniq)) do effect('settled', child, id, state) end
    call('DEL', Q .. 'C:' .. T.uniq)
    T[FLAGS] = T[FLAGS] - HAS_CHILDREN
  end
  if state == SUCCEEDED and T[LAST] == 2 and not T.fresh and not has(T, BITS.l) and T[ATTEMPT] == 1 then
    count(T[STATE], -1)
    count(state, 1)
    T[STATE] = state
    T[LAST] = 3
    append(changed, T.uniq)
  else
    move(T, state, reason)
  end
end

-- Ends an attempt as decided by the caller: `retried` after `delay`, or FAILED.
local function fail(T, retried, delay, failure, reason)
  set(T, 'e', failure)
  if retried then
    open(T, NOW + delay, reason)
  else
    finalize(T, FAILED, reason)
  end
end

-- A revoked lease, for the signal.
local function revoke(T, fence) append(revoked, T.uniq .. ':' .. text(fence)) end
