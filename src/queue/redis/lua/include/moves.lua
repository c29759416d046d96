-- The moves between states, out of one index and into another.
--@include enter
--@include line
--@include save
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

local function dropError(T)
  if band(T[FLAGS], HAS_ERROR) == 0 then return end
  T[FLAGS] = T[FLAGS] - HAS_ERROR
  drop(T, 'e')
end

local function setError(T, failure)
  T[FLAGS] = bor(T[FLAGS], HAS_ERROR)
  set(T, 'e', failure)
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

-- A revoked lease, for the signal.
local function revoke(T, fence) revoked[#revoked + 1] = T.uniq .. ':' .. format('%.0f', fence) end
