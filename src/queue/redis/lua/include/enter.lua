-- How a task enters the index of a state in which it waits.
--@include commit
local function enterReady(T, first)
  local place = take('place')
  T[PLACE] = (9 - T[PRIORITY]) * PRIORITY_SPAN + ARRIVALS + (first and -place or place)
  T[QUEUED_AT] = NOW
  lineAdd('r', T[PLACE], T.uniq)
  ready = true
end

local function enterScheduled(T, due)
  T[DUE] = due
  scheduled[#scheduled + 1] = due
  scheduled[#scheduled + 1] = T.uniq
end

-- Puts an effect on another queue's task into the outbox; effects.ts delivers it.
local function effect(kind, child, parent, state)
  effects[#effects + 1] = table.concat({ format('%.0f', take('effect')), kind, state or '', child, parent }, '|')
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
  for i = 1, n do parents[2 * i - 1], parents[2 * i], at = parse('>I4c0c1', INPUT, at) end
  return parents, at
end
