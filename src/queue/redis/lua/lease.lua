#!lua flags=allow-oom
-- Gives the tasks whose turn it is to those who ask.
-- ARGV[3]  asks: how many I2, lease in milliseconds I6, worker I2c0, labels I2c0 (lane.ts: labelsName)
-- ARGV[4]  bytes after which it stops: the caller asks again for the rest
-- outcomes: stopped early B, milliseconds until a rate lets more start I6 (0: none holds any back), then for each ask: tasks
-- I2, and pieces of them: 0 B and a task as record.lua has it, or 1 B and neighbours that live in their rows: chunk I5, slot B, tasks
-- B, now I6, the lease's end I6, created I6, fence I4, kinds B, width B and stamp c13 (chunk.lua), where their specs are B (0 the
-- next value; 1 the next value, which the chunk's other pieces share; 2 that one), where they begin in it I4, and in their chunk I4,
-- for each where it ends there I4, for each its name Bc0 unless the width is 0, and the one kind, if it is one.
-- Third in the reply: the values.
--@include round
--@include give
--@include leased
-- The sets of lanes that a worker with these labels may be served from.
local function setsFor(labels)
  local sets = { Q .. 'R' }
  if labels == '' then return sets end
  local mine = {}
  for label in string.gmatch(labels, '[^\30]+') do mine[label] = true end
  for _, wanted in ipairs(call('SMEMBERS', Q .. 'Y')) do
    local all = true
    for label in string.gmatch(wanted, '[^\30]+') do all = all and mine[label] end
    if all then sets[#sets + 1] = lanesKey(wanted) end
  end
  return sets
end

local function wants(ask) return ask.n < ask.max and allowed > 0 and bytes < bytesMax end

-- Serves the highest priority that has an open lane as long as it has; false: there is none.
local function serveHighest(sets, ask)
  local priority, tops, hasLower = highest(sets, math.min(ask.max - ask.n, allowed))
  if not priority then return false end
  local ranked, n = tops[1].ranked, tops[1].n
  if hasLower then n = math.min(n, LOWER_TURN_EVERY - 1 - passes[1] % LOWER_TURN_EVERY) end
  if not sets[2] and isRound(ranked, n) and serveRound(ranked, n, priority, ask) > 0 then return true end
  local heap = heapOf(lanesOf(tops))
  while heap[1] and wants(ask) do
    local L = heap[1]
    local isThere = prepare(L)
    local untilLower = hasLower and LOWER_TURN_EVERY - 1 - passes[1] % LOWER_TURN_EVERY or allowed
    local lower = isThere and untilLower == 0 and hasLower and lowerLanes(sets, priority)
    if not isThere then
      dropFirst(heap)
      -- A lane that was left out of the heap may come before those that are in it.
      if not L.served then break end
    elseif lower and lower[1] then
      local chosen = lower[1 + floor(passes[1] / LOWER_TURN_EVERY) % #lower]
      prepare(chosen)
      serve(chosen, ask, 1)
      for _, one in ipairs(lower) do
        putBack(one)
        touched[one.name] = nil
        lanes[one.name] = nil
      end
    else
      local isAlone = not heap[2] and L.key == ''
      serve(L, ask, isAlone and math.min(ask.max - ask.n, allowed, math.max(1, untilLower)) or 1)
      if heap[2] then sink(heap, 1) end
    end
  end
  putAllBack()
  return true
end

-- How many tasks the queue's own cap, rate and pause let start.
local function readAllowed()
  if runningMax > 0 then allowed = math.min(allowed, runningMax - valueOf('3')) end
  local full = rate > 0 and (tonumber(call('HGET', Q .. 'q', 'full') or nil) or 0)
  if full then
    local left, wait = tokens(rate, burst, full)
    if left == 0 and valueOf('2') > 0 then againIn(wait) end
    allowed = math.min(allowed, left)
  end
  if valueOf('paused') == 1 then allowed = 0 end
  return full
end

-- Opens the lanes of keys that waited for a token and have one; those that still wait say when.
local function openDueKeys()
  for _, key in ipairs(call('ZRANGEBYSCORE', Q .. 'Z', '-inf', NOW, 'LIMIT', 0, 1000)) do
    call('ZREM', Q .. 'Z', key)
    unpark(key)
  end
  local waits = call('ZRANGE', Q .. 'Z', 0, 0, 'WITHSCORES')
  if waits[2] then againIn(tonumber(waits[2]) - NOW) end
end

--@main
indexRead = INDEX_READ
readPacked()
readPolicy()
passes = readTurns()
local full = readAllowed()
if keyRate > 0 and allowed > 0 then openDueKeys() end

local at, asks = 1, {}
while at <= #INPUT do
  local ask = { given = {}, n = 0, fresh = 0 }
  ask.max, ask.leaseMs, ask.worker, ask.labels, at = parse('>I2I6I2c0I2c0', INPUT, at)
  append(asks, ask)
end
for _, ask in ipairs(asks) do
  if wants(ask) and valueOf('2') > given then
    local sets = setsFor(ask.labels)
    while wants(ask) and serveHighest(sets, ask) do end
  end
end

local stopped = false
for _, ask in ipairs(asks) do sharedSpecs(ask.given) end
for _, ask in ipairs(asks) do
  stopped = stopped or ask.n < ask.max and bytes >= bytesMax
  append(parts, pack('>I2', ask.n))
  addGiven(ask)
  if ask.fresh > 0 then workerUsed(ask.number, ask.fresh) end
end
if given > 0 then
  count(QUEUED, -given)
  count(RUNNING, given)
  writePacked('turns', pack(TURNS, unpack(passes)))
  if full then
    full = math.max(full, NOW) + given * 1000 / rate
    call('HSET', Q .. 'q', 'full', format('%.17g', full))
    local left, wait = tokens(rate, burst, full)
    if left == 0 and valueOf('2') > 0 then againIn(wait) end
  end
  writeKeys()
end
local wait = again < 2 ^ 47 and math.max(1, math.ceil(again)) or 0
table.insert(parts, 1, pack('>BI6', stopped and 1 or 0, wait))
return { table.concat(parts), commit(), values }
