#!lua flags=allow-oom
-- Gives the tasks whose turn it is to those who ask.
-- ARGV[3]  asks: how many I2, lease in milliseconds I6, worker I2c0, labels I2c0 (lane.ts: labelsName)
-- ARGV[4]  bytes after which it stops: the caller asks again for the rest
-- outcomes: stopped early B, milliseconds until a rate lets more start I6 (0: none holds any back), then for each ask: tasks
-- I2, each as record.lua has it; third in the reply: their values
--@include serve
--@include timeouts
--@include record
local bytesMax = tonumber(ARGV[4])
readNumbers({ '2', '3', 'run', 'multi', 'stale' })
local passes = readTurns()
local leasedNow, taken = 0, 0

local allowed = 2 ^ 31
if runningMax > 0 then allowed = math.min(allowed, runningMax - numbers['3']) end
local full = rate > 0 and (tonumber(call('HGET', Q .. 'q', 'full') or nil) or 0)
if full then
  local left, wait = tokens(rate, burst, full)
  if left == 0 and numbers['2'] > 0 then againIn(wait) end
  allowed = math.min(allowed, left)
end
if call('HEXISTS', Q .. 'G', 'pause') == 1 then allowed = 0 end

-- Keys that waited for a token and have one; those that still wait say when.
if keyRate > 0 and allowed > 0 then
  for _, key in ipairs(call('ZRANGEBYSCORE', Q .. 'Z', '-inf', NOW, 'LIMIT', 0, 1000)) do
    call('ZREM', Q .. 'Z', key)
    unpark(key)
  end
  local waits = call('ZRANGE', Q .. 'Z', 0, 0, 'WITHSCORES')
  if waits[2] then againIn(tonumber(waits[2]) - NOW) end
end

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

-- The run of the leases that an ask's plain tasks begin.
local function runOfAsk(ask)
  if not ask.run then
    ask.due = NOW + ask.leaseMs
    ask.run = leaseRun(ask.due)
  end
  return ask.run
end

-- A task that has nothing but its head, and is leased for the first time.
local function beginPlain(T, ask)
  local run, uniq = runOfAsk(ask), T.uniq
  T[STATE], T[ATTEMPT], T[FENCE], T[LAST] = RUNNING, 1, T[FENCE] + 1, 2
  T[PLACE], T[WORKER], T[STARTED], T[DUE] = run.number, ask.number, NOW, ask.due
  run.names[#run.names + 1] = char(#uniq) .. uniq
  ask.first = ask.first + 1
  changed[#changed + 1] = uniq
  T.head = pack(HEAD, unpack(T, 1, HEAD_FIELDS))
  dirty[#dirty + 1] = T
  T.saved = true
end

local function begin(T, ask)
  if T[FLAGS] == 0 and T[LAST] == 1 and T[FIRST_STATE] == QUEUED then return beginPlain(T, ask) end
  T[ATTEMPT] = T[ATTEMPT] + 1
  T[FENCE] = T[FENCE] + 1
  T[STARTED] = NOW
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

local function serve(L, T, ask)
  begin(T, ask)
  takeOfKey(L.key)
  L.run.at = L.run.at + 1
  passes[2 + L.priority] = L.pass
  L.pass = L.pass + L.stride
  passes[1] = passes[1] + 1
  allowed, taken, bytes = allowed - 1, taken + 1, bytes + T[LENGTH]
  append(ask.tasks, T)
end

-- Serves the one lane that is open for as many turns as its run has plain work for it.
local function serveOn(L, ask)
  local run = L.run
  local turns = math.min(ask.max - #ask.tasks, allowed, LOWER_TURN_EVERY - 1 - passes[1] % LOWER_TURN_EVERY)
  for _ = 1, turns do
    local T = run.at < run.n and loaded[run.names[run.at + 1]]
    if not T or T[STATE] ~= QUEUED or T[PLACE] ~= run.place + run.at or bytes >= bytesMax then return end
    serve(L, T, ask)
  end
end

local function wants(ask) return #ask.tasks < ask.max and allowed > 0 and bytes < bytesMax end

-- Serves one priority as long as it is the highest; false where it has no lane any more.
local function serveFrom(sets, priority, ask)
  local heap = lanesAt(sets, priority, math.min(ask.max - #ask.tasks, allowed))
  while heap[1] and wants(ask) do
    local L = heap[1]
    local T = prepare(L, ask.max - #ask.tasks)
    local lower = T and passes[1] % LOWER_TURN_EVERY == LOWER_TURN_EVERY - 1 and lowerLanes(sets, priority)
    if not T then
      dropFirst(heap)
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
      if heap[2] then sink(heap, 1) elseif L.key == '' then serveOn(L, ask) end
    end
  end
  putAllBack()
end

-- Specs of neighbours in a chunk go as one value.
local function addTasks(tasks)
  local i = 1
  while i <= #tasks do
    local T = tasks[i]
    if has(T, BITS.s) then
      local mask = addHead(T, T.head, OWN_VALUE)
      values[#values + 1] = specOf(T)
      addFields(T, mask)
      i = i + 1
    else
      local chunk, from, to, next = T[CHUNK], T[OFFSET], T[OFFSET], i
      while tasks[next] and tasks[next][CHUNK] == chunk and tasks[next][OFFSET] == to and not has(tasks[next], BITS.s) do
        to = to + tasks[next][LENGTH]
        next = next + 1
      end
      values[#values + 1] = to > from and call('GETRANGE', Q .. 'S:' .. text(chunk), from, to - 1) or ''
      for at = i, next - 1 do
        T = tasks[at]
        local where = at == i and NEW_SHARED or SHARED
        if T[FLAGS] == 0 then
          parts[#parts + 1] = char(#T.uniq) .. T.uniq .. T.head .. NO_FIELDS .. where
        else
          addFields(T, addHead(T, T.head, where))
        end
      end
      i = next
    end
  end
end

local at, asks = 1, {}
while at <= #INPUT do
  local ask = { tasks = {}, first = 0 }
  ask.max, ask.leaseMs, ask.worker, ask.labels, at = parse('>I2I6I2c0I2c0', INPUT, at)
  append(asks, ask)
end
for _, ask in ipairs(asks) do
  if wants(ask) and numbers['2'] > taken then
    ask.number = workerNumber(ask.worker)
    local sets = setsFor(ask.labels)
    local priority = priorityFrom(sets, 9)
    while priority and wants(ask) do
      serveFrom(sets, priority, ask)
      priority = priorityFrom(sets, 9)
    end
  end
end

local stopped = false
for _, ask in ipairs(asks) do
  stopped = stopped or #ask.tasks < ask.max and bytes >= bytesMax
  append(parts, pack('>I2', #ask.tasks))
  addTasks(ask.tasks)
end
if taken > 0 then
  for _, ask in ipairs(asks) do
    if ask.first > 0 then workerUsed(ask.number, ask.first) end
  end
  count(QUEUED, -taken)
  count(RUNNING, taken)
  call('HSET', Q .. 'q', 'turns', pack('>I6I7I7I7I7I7I7I7I7I7I7', unpack(passes)))
  if full then
    full = math.max(full, NOW) + taken * 1000 / rate
    call('HSET', Q .. 'q', 'full', format('%.17g', full))
    local left, wait = tokens(rate, burst, full)
    if left == 0 and numbers['2'] > 0 then againIn(wait) end
  end
  writeKeys()
end
local wait = again < 2 ^ 47 and math.max(1, math.ceil(again)) or 0
table.insert(parts, 1, pack('>BI6', stopped and 1 or 0, wait))
return { table.concat(parts), commit(), values }
