#!lua flags=allow-oom
-- Gives the tasks whose turn it is to those who ask.
-- ARGV[3]  asks: how many I2, lease in milliseconds I6, worker I2c0, labels I2c0 (lane.ts: labelsName)
-- ARGV[4]  bytes after which it stops: the caller asks again for the rest
-- outcomes: stopped early B, milliseconds until a rate lets more start I6 (0: none holds any back), then for each ask: tasks
-- I2, each as record.lua has it; third in the reply: their values
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

local function serve(L, T, ask)
  begin(T, ask)
  takeOfKey(L.key)
  turn(L, 1)
  bytes, ask.n = bytes + T[LENGTH], ask.n + 1
  append(ask.given, T)
end

-- Tasks that have nothing but a head and are leased for the first time: the front of the head, up to the place, and what it
-- becomes.
--@state begins = {}
local function beginOf(front)
  local state, priority, first, flags, attempt, generation, pending, fence, last = parse('>BBBI3I2I2I2I4I4', front)
  local plain = state == QUEUED and first == QUEUED and flags == 0 and last == 1
  local becomes = plain and pack('>BBBI3I2I2I2I4I4', RUNNING, priority, first, 0, 1, generation, pending, fence + 1, 2) or false
  begins[front] = becomes
  return becomes
end

-- What follows the front in the heads of an ask's plain tasks: the run of their leases, the lease's end, the worker, the time.
local function middleOf(ask)
  if not ask.middle then
    local due = NOW + ask.leaseMs
    ask.number = ask.number or workerNumber(ask.worker)
    ask.run = leaseRun(due)
    ask.middle = pack('>I6I6I6I4I6', ask.run.number, 0, due, ask.number, NOW)
  end
  return ask.middle
end

-- Serves the one lane that is open for as many turns as its run has plain work for it, without a look at what is alike.
local function serveRun(L, ask, hasLower)
  local run = L.run
  local at, n, middle = run.at, 0, middleOf(ask)
  local most = math.min(ask.max - ask.n, allowed, run.n - at)
  if hasLower then most = math.min(most, LOWER_TURN_EVERY - 1 - passes[1] % LOWER_TURN_EVERY) end
  local piece, from = { chunk = run.chunk, heads = {} }, nil
  while n < most and bytes < bytesMax do
    local uniq = run.names[at + n + 1]
    local head = not loaded[uniq] and raw[uniq]
    if not head then break end
    local front = sub(head, 1, 20)
    local becomes = begins[front]
    if becomes == nil then becomes = beginOf(front) end
    if not becomes or parse('>I6', head, 21) ~= run.place + at + n then break end
    local offset, length = parse('>I4I4', head, 55)
    if from and offset ~= piece.to then break end
    from = from or offset
    piece.to = offset + length
    bytes, n = bytes + length, n + 1
    head = becomes .. middle .. sub(head, 49)
    heads[#heads + 1], heads[#heads + 2] = uniq, head
    piece.heads[n] = char(#uniq) .. uniq .. head
    ask.run.names[#ask.run.names + 1] = uniq
    changed[#changed + 1] = uniq
    raw[uniq] = nil
  end
  if n == 0 then return false end
  piece.from = from
  append(ask.given, piece)
  ask.n, ask.fresh = ask.n + n, ask.fresh + n
  turn(L, n)
  return true
end

local function wants(ask) return ask.n < ask.max and allowed > 0 and bytes < bytesMax end

-- Serves one priority as long as it is the highest.
local function serveFrom(sets, priority, ask)
  local heap = lanesAt(sets, priority, math.min(ask.max - ask.n, allowed))
  local hasLower = priority > 0 and priorityFrom(sets, priority - 1)
  while heap[1] and wants(ask) do
    local L = heap[1]
    local T = prepare(L, ask.max - ask.n)
    local lower = T and hasLower and passes[1] % LOWER_TURN_EVERY == LOWER_TURN_EVERY - 1 and lowerLanes(sets, priority)
    if not T then
      dropFirst(heap)
      -- A lane that was left out of the heap may come before those that are in it.
      if not L.served then break end
    elseif lower and lower[1] then
      local chosen = lower[1 + floor(passes[1] / LOWER_TURN_EVERY) % #lower]
      serve(chosen, prepare(chosen, 1), ask)
      for _, one in ipairs(lower) do
        putBack(one)
        touched[one.name] = nil
        lanes[one.name] = nil
      end
    else
      serve(L, T, ask)
      if heap[2] then sink(heap, 1) elseif L.key == '' then serveRun(L, ask, hasLower) end
    end
  end
  putAllBack()
end

-- A piece of a run: its specs are neighbours, and go as one value.
local function addPiece(piece)
  local where = NO_FIELDS .. SHARED
  piece.heads[1] = piece.heads[1] .. NO_FIELDS .. NEW_SHARED
  for i = 2, #piece.heads do piece.heads[i] = piece.heads[i] .. where end
  parts[#parts + 1] = table.concat(piece.heads)
  local empty = piece.to == piece.from
  values[#values + 1] = empty and '' or call('GETRANGE', Q .. 'S:' .. text(piece.chunk), piece.from, piece.to - 1)
end

local function addGiven(tasks)
  for i = 1, #tasks do
    local T = tasks[i]
    if T.heads then
      addPiece(T)
    else
      local mask = addHead(T, T.head, OWN_VALUE)
      values[#values + 1] = specOf(T)
      addFields(T, mask)
    end
  end
end

-- How many tasks the queue's own cap, rate and pause let start.
local function readAllowed()
  if runningMax > 0 then allowed = math.min(allowed, runningMax - numbers['3']) end
  local full = rate > 0 and (tonumber(call('HGET', Q .. 'q', 'full') or nil) or 0)
  if full then
    local left, wait = tokens(rate, burst, full)
    if left == 0 and numbers['2'] > 0 then againIn(wait) end
    allowed = math.min(allowed, left)
  end
  if call('HEXISTS', Q .. 'G', 'pause') == 1 then allowed = 0 end
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
readNumbers({ '2', '3', 'run', 'multi', 'stale' })
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
  if wants(ask) and numbers['2'] > given then
    local sets = setsFor(ask.labels)
    local priority = priorityFrom(sets, 9)
    while priority and wants(ask) do
      serveFrom(sets, priority, ask)
      priority = wants(ask) and priorityFrom(sets, 9)
    end
  end
end

local stopped = false
for _, ask in ipairs(asks) do
  stopped = stopped or ask.n < ask.max and bytes >= bytesMax
  append(parts, pack('>I2', ask.n))
  addGiven(ask.given)
  if ask.fresh > 0 then workerUsed(ask.number, ask.fresh) end
end
if given > 0 then
  count(QUEUED, -given)
  count(RUNNING, given)
  call('HSET', Q .. 'q', 'turns', pack('>I6I7I7I7I7I7I7I7I7I7I7', unpack(passes)))
  if full then
    full = math.max(full, NOW) + given * 1000 / rate
    call('HSET', Q .. 'q', 'full', format('%.17g', full))
    local left, wait = tokens(rate, burst, full)
    if left == 0 and numbers['2'] > 0 then againIn(wait) end
  end
  writeKeys()
end
local wait = again < 2 ^ 47 and math.max(1, math.ceil(again)) or 0
table.insert(parts, 1, pack('>BI6', stopped and 1 or 0, wait))
return { table.concat(parts), commit(), values }
