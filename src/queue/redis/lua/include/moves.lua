-- The moves between states, each with its index, its count, its log entry and its signal.

local function move(T, state, reason, worker)
  count(T[STATE], -1)
  count(state, 1)
  T[STATE] = state
  log(T, changeEntry(NOW, state, T[ATTEMPT], worker or '', reason))
  changed[#changed + 1] = T.uniq
end

-- Takes the task out of the index of its state.
local function leave(T)
  local state = T[STATE]
  if state == QUEUED then
    lineRemove('r', T[PLACE])
  elseif state == RUNNING then
    unleased[#unleased + 1] = T.uniq
  elseif state == SCHEDULED then
    call('ZREM', Q .. 's', T.uniq)
  elseif state >= SUCCEEDED then
    lineRemove('f', T[PLACE])
    if band(T[FLAGS], IS_DEAD) ~= 0 then
      call('ZREM', Q .. 'x', T.uniq)
      T[FLAGS] = T[FLAGS] - IS_DEAD
    end
  end
end

-- Places of the ready line: by priority, then what was released (the last one first), then by arrival.
local PRIORITY_SPAN, ARRIVALS = 2 ^ 45, 2 ^ 44
local function readyPlace(priority, first)
  local place = take('place')
  return (9 - priority) * PRIORITY_SPAN + ARRIVALS + (first and -place or place)
end

local function enterReady(T, first)
  T[PLACE] = readyPlace(T[PRIORITY], first)
  T[QUEUED_AT] = NOW
  lineAdd('r', T[PLACE], T.uniq)
  ready = true
end

local function enterScheduled(T, due)
  T[DUE] = due
  scheduled[#scheduled + 1] = string.format('%.0f', due)
  scheduled[#scheduled + 1] = T.uniq
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

local function queueName() return string.match(Q, '{(.-)}') end

-- Puts an effect on another queue's task into the outbox; effects.ts delivers it.
local function effect(kind, child, parent, state)
  effects[#effects + 1] = table.concat({ string.format('%.0f', take('effect')), kind, state or '', child, parent }, '|')
end

-- Ends the task, once its fields are set, and tells its children.
local function finalize(T, state, reason)
  T[FINISHED] = NOW
  T[PLACE] = take('ended')
  lineAdd('f', T[PLACE], T.uniq)
  if state == FAILED then
    T[FLAGS] = bor(T[FLAGS], IS_DEAD)
    call('ZADD', Q .. 'x', T[NUMBER], T.uniq)
  end
  if band(T[FLAGS], HAS_CHILDREN) ~= 0 then
    local id = queueName() .. '.' .. T.uniq
    for _, child in ipairs(call('SMEMBERS', Q .. 'c:' .. T.uniq)) do effect('settled', child, id, state) end
    call('DEL', Q .. 'c:' .. T.uniq)
    T[FLAGS] = T[FLAGS] - HAS_CHILDREN
  end
  move(T, state, reason)
end

-- Ends an attempt as decided by the caller: `retried` after `delay`, or FAILED.
local function fail(T, retried, delay, failure, reason)
  setError(T, failure)
  if retried then
    open(T, NOW + delay, reason)
  else
    finalize(T, FAILED, reason)
  end
end

-- Blocks the task on parents that it has not waited for yet: {id, condition, …}.
local function blockOn(T, parents)
  local id = queueName() .. '.' .. T.uniq
  callMany('HSET', Q .. 'p:' .. T.uniq, parents)
  for i = 1, #parents, 2 do effect('link', id, parents[i]) end
  T[PENDING] = #parents / 2
end

-- Reads `n` parents at `at` of the input: {id, condition, …} and the next position.
local function parseParents(n, at)
  local parents = {}
  for i = 1, n do parents[2 * i - 1], parents[2 * i], at = parse('>I2c0c1', INPUT, at) end
  return parents, at
end

local function join(values)
  return table.concat(values, ',')
end

-- Tells what happened. The caller's own listeners learn it from the reply, so the channel is used only when others listen too;
-- answers with what the caller shall tell itself, or with '' when the channel told it.
local function tell()
  if not (ready or changed[1] or revoked[1]) then return '' end
  local signal = table.concat({ queueName(), ready and '1' or '0', join(changed), join(revoked) }, '|')
  if call('PUBSUB', 'NUMSUB', CHANNEL)[2] <= 1 then return signal end
  call('PUBLISH', CHANNEL, signal)
  return ''
end

-- Writes what the items gathered; the last step of every script that changes something. Answers with the outbox entries that
-- were added, after the signal that is the caller's to tell.
local function commit()
  for line in pairs(additions) do lineFlush(line) end
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
  if counters then
    local values = {}
    for name, value in pairs(countersTaken) do
      values[#values + 1] = name
      values[#values + 1] = string.format('%.0f', value)
    end
    call('HSET', Q .. 'q', unpack(values))
  end
  for state, by in pairs(deltas) do
    if by ~= 0 then call('HINCRBY', Q .. 'q', state, by) end
  end
  table.insert(effects, 1, tell())
  return effects
end

-- A revoked lease, for the signal.
local function revoke(T, fence) revoked[#revoked + 1] = T.uniq .. ':' .. string.format('%.0f', fence) end
