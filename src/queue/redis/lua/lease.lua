#!lua flags=allow-oom
-- Gives the tasks whose turn it is to those who ask.
-- ARGV[3]  asks: how many I2, lease in milliseconds I6, worker I2c0, labels I2c0 (lane.ts: labelsName)
-- ARGV[4]  bytes after which it stops: the caller asks again for the rest
-- outcomes: stopped early B, milliseconds until a rate lets more start I6 (0: none holds any back), then for each ask: tasks
-- I2, in pieces: 1 B, chunk I5, slot B, tasks B, now I6, the lease's end I6, of tasks that live in their rows; or 0 B and a task as
-- record.lua has it. Third in the reply: the values of tasks; those of a piece are their specs, after their chunk's index where
-- that was not there before.
--@include serve
--@include timeouts
--@include record
--@state bytesMax, given, allowed, passes = tonumber(args[4]), 0, 2 ^ 31, nil

-- The number of a worker's name.
local function workerNumber(worker)
  local number = call('HGET', Q .. 'w', worker)
  if number then return tonumber(number) end
  number = take('worker')
  call('HSET', Q .. 'w', worker, text(number))
  call('HSET', Q .. 'W', text(number), worker)
  return number
end

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

local function begin(T, ask)
  T[ATTEMPT] = T[ATTEMPT] + 1
  T[FENCE] = T[FENCE] + 1
  T[STARTED] = NOW
  ask.number = ask.number or workerNumber(ask.worker)
  local plain = T[LAST] == 1 and T[ATTEMPT] == 1 and T[FIRST_STATE] == QUEUED and band(T[FLAGS], HAS_LOG_LIST + BITS.l) == 0
  if T[WORKER] ~= ask.number then
    if T[WORKER] > 0 then workerUsed(T[WORKER], -1) end
    workerUsed(ask.number, 1)
    T[WORKER] = ask.number
  end
  local due, z = NOW + ask.leaseMs, timeoutsOf(T)
  if z then
    z.sign, z.leaseMs = NOW, ask.leaseMs
    due = math.min(due, limitOf(T, z))
    set(T, 'z', packTimeouts(z))
    if z.toStart > 0 then append(unstarts, T.uniq) end
  end
  leaseUntil(T, due)
  T[STATE] = RUNNING
  if plain then
    T[LAST] = 2
  else
    log(T, changeEntry(NOW, RUNNING, T[ATTEMPT], ask.worker, ''))
    logWrite(T)
    T.fresh = nil
  end
  append(changed, T.uniq)
  T.head = pack(HEAD, unpack(T, 1, HEAD_FIELDS))
  save(T)
end

local function turn(L, n)
  passes[2 + L.priority] = L.pass + (n - 1) * L.stride
  L.pass = L.pass + n * L.stride
  passes[1] = passes[1] + n
  L.run.at = L.run.at + n
  L.served = true
  allowed, given = allowed - n, given + n
end

local function serveHead(run, ask)
  local T = load(nameOf(run))
  begin(T, ask)
  local C = chunkOf(T[CHUNK])
  bytes, ask.n = bytes + specEnd(C, T[SLOT]) - specEnd(C, T[SLOT] - 1), ask.n + 1
  append(ask.given, T)
end

-- What the rows become of tasks that an ask is given.
local function rowOf(ask)
  if not ask.row then
    ask.due = NOW + ask.leaseMs
    ask.number = ask.number or workerNumber(ask.worker)
    ask.run = leaseRun(ask.due)
    ask.row = pack(ROW, RUNNING, ask.run.number, ask.number, NOW, ask.due, NO_OUTPUT)
  end
  return ask.row
end

-- Serves the first task of a run and as many of its neighbours, up to `most`, as wait too; answers how many.
local function serveRows(run, ask, most)
  local C, first = run.C, run.slot + run.at
  local n, before = alike(C, first, most), specEnd(C, first - 1)
  if bytes + specEnd(C, first + n - 1) - before >= bytesMax then
    local all = n
    n = 1
    while n < all and bytes + specEnd(C, first + n - 1) - before < bytesMax do n = n + 1 end
  end
  bytes = bytes + specEnd(C, first + n - 1) - before
  setRows(C, first, n, rowOf(ask))
  addSlots(ask.run.tasks, C, first, n)
  addSlots(changed, C, first, n)
  addSlots(ask.given, C, first, n)
  ask.run.n, ask.n, ask.fresh = ask.run.n + n, ask.n + n, ask.fresh + n
  return n
end

-- Serves the lane's next task; and of the one lane that is open as many more as its run has.
local function serve(L, ask, most)
  takeOfKey(L.key)
  if isInRow(L.run) then
    turn(L, serveRows(L.run, ask, math.min(most, L.run.n - L.run.at)))
  else
    serveHead(L.run, ask)
    turn(L, 1)
  end
end

local function wants(ask) return ask.n < ask.max and allowed > 0 and bytes < bytesMax end

-- Serves the highest priority that has an open lane as long as it has; false: there is none.
local function serveHighest(sets, ask)
  local priority, found, hasLower = highest(sets, math.min(ask.max - ask.n, allowed))
  if not priority then return false end
  local heap = heapOf(found)
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

-- The chunks whose index is in the reply.
--@state indexed = {}
local function addPiece(piece, ask)
  local C = piece.C
  parts[#parts + 1] = pack('>BI5BBI6I6', 1, C.number, piece.slot, piece.n, NOW, ask.due)
  if not indexed[C.number] then
    indexed[C.number] = true
    values[#values + 1] = sub(indexOf(C), 1, C.specsAt)
  end
  values[#values + 1] = specsOf(C, piece.slot, piece.n)
end

local function addGiven(ask)
  local tasks = ask.given
  for i = 1, #tasks do
    local T = tasks[i]
    if T.C then
      addPiece(T, ask)
    else
      parts[#parts + 1] = '\0'
      local mask = addHead(T, T.head)
      values[#values + 1] = specOf(T)
      addFields(T, mask)
    end
  end
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
