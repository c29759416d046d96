-- What the items of a call gather: rows, heads and fields, indexes, the outbox and the signal; commit() writes it all.
--@include numbers
--@include tell
--@include task
--@include lanes
--@include runs
--@include pieces
--@state dirty, heads, puts, drops = {}, {}, {}, {}
--@state pushes, fronts = {}, {}
--@state leases, unleased, finals, ends, finalRun = {}, {}, {}, 0, nil
--@state scheduled, unscheduled, starts, unstarts, stale = {}, {}, {}, {}, {}
--@state workers = {}
--@state effects, changed, revoked, ready = {}, {}, {}, false

local function append(list, value) list[#list + 1] = value end

-- Writes the task's head. One that lived in its row lives there no more.
local function save(T)
  if T.saved then return end
  T.saved = true
  if T.C then setRows(T.C, T[SLOT], 1, HAS_MOVED) end
  append(dirty, T)
end

local function gather(groups, name, one, two)
  local group = groups[name]
  if not group then
    group = {}
    groups[name] = group
  end
  append(group, one)
  if two then append(group, two) end
end

-- Sets a task's field; save() has to follow.
local function set(T, field, value)
  T.sets = T.sets or {}
  T.sets[field] = value
  T[FLAGS] = bor(T[FLAGS], BITS[field])
end

local function drop(T, field)
  if not has(T, BITS[field]) then return end
  T[FLAGS] = T[FLAGS] - BITS[field]
  if T.sets then T.sets[field] = nil end
  gather(drops, field, T.uniq)
end

-- Adds an entry to a log, which then is known from the head no more.
local function log(T, entry)
  T.fresh = T.fresh or {}
  append(T.fresh, entry)
end

local function logWrite(T)
  local entries, n = T.fresh, #T.fresh
  if not has(T, HAS_LOG_LIST) then
    local all = logEntries(T)
    for i = 1, n do append(all, entries[i]) end
    local packed, size = {}, 0
    for i = 2, #all do
      packed[i - 1] = pack('>I4', #all[i]) .. all[i]
      size = size + #packed[i - 1]
    end
    if size <= LOG_FIELD_BYTES and #all <= LOG_MAX then
      set(T, 'l', table.concat(packed))
      T[LAST] = T[LAST] + n
      return
    end
    T[FLAGS] = bor(T[FLAGS], HAS_LOG_LIST)
    drop(T, 'l')
    entries = all
  end
  local key = Q .. 'L:' .. T.uniq
  callMany('RPUSH', key, entries)
  call('LTRIM', key, -LOG_MAX, -1)
  T[LAST] = T[LAST] + n
end

local function unlease(T) unleased[T[PLACE]] = (unleased[T[PLACE]] or 0) + 1 end

-- The run of leases that end at `due`.
local function leaseRun(due)
  local run = leases[due]
  if not run then
    run = { number = take('run'), tasks = {}, n = 0 }
    leases[due] = run
  end
  return run
end

-- Moves the lease of a task that lives in its row, and goes on living there.
local function leaseRow(T, due)
  if T[DUE] == due then return end
  local run = leaseRun(due)
  unlease(T)
  T[DUE], T[PLACE] = due, run.number
  run.n = run.n + 1
  addSlots(run.tasks, T.C, T[SLOT], 1)
  setRows(T.C, T[SLOT], 1, pack(ROW, RUNNING, run.number, T[WORKER], T[STARTED], due, NO_OUTPUT))
end

local function leaseUntil(T, due)
  if T[STATE] == RUNNING then
    if T[DUE] == due then return end
    unlease(T)
  end
  local run = leaseRun(due)
  T[DUE], T[PLACE] = due, run.number
  run.n = run.n + 1
  append(run.tasks, T.uniq)
end

local function workerUsed(number, by) workers[number] = (workers[number] or 0) + by end

-- The run of the tasks that end in this call.
local function runOfEnds()
  finalRun = finalRun or take('ended')
  return finalRun
end

-- Drops what is stale from a lane's front, so that each open lane begins with a task that waits; what is left of a long
-- stretch is dropped when it is reached. Answers whether it has an entry.
--@constant SETTLED_MAX 1000
local function settleLane(lane)
  local list = listOf(lane)
  for _ = 1, SETTLED_MAX do
    local entry = firstOf(list)
    if not entry then
      if not unparkEmpty(lane) then closeLane(lane) end
      return false
    end
    local run = runOf(entry)
    local isThere = settleRun(run)
    if isThere and run.at == 0 then return true end
    dropFirstOf(list)
    add('stale', -run.at)
    if isThere then
      addFirst(list, restOf(run))
      return true
    end
  end
  return true
end

local commit
do
local function writeLeases()
  for due, run in pairs(leases) do
    if run.n > 0 then
      local number = text(run.number)
      call('ZADD', Q .. 'E', text(due), number)
      call('HSET', Q .. 'i', number, pack('>I2', run.n) .. packPieces(run.tasks))
    end
  end
end

-- A run's last lease takes the run along.
local function writeUnleased()
  for number, by in pairs(unleased) do
    local name = text(number)
    local run = call('HGET', Q .. 'i', name)
    local left = run and parse('>I2', run) - by or 0
    if left > 0 then
      call('HSET', Q .. 'i', name, pack('>I2', left) .. sub(run, 3))
    elseif run then
      call('HDEL', Q .. 'i', name)
      call('ZREM', Q .. 'E', name)
    end
  end
end

local function writeFinals()
  if not finals[1] then return end
  add('over', ends)
  call('RPUSH', Q .. 'F', pack('>I6I6', runOfEnds(), NOW) .. packPieces(finals))
end

local function writeTasks()
  for i = 1, #dirty do
    local T = dirty[i]
    if T.fresh then logWrite(T) end
    if T.sets then
      for field, value in pairs(T.sets) do gather(puts, field, T.uniq, value) end
    end
    append(heads, T.uniq)
    append(heads, T.head or pack(HEAD, unpack(T, 1, HEAD_FIELDS)))
  end
  writeRows()
  if heads[1] then callMany('HSET', Q .. 't', heads) end
  for field, values in pairs(puts) do callMany('HSET', Q .. field, values) end
  for field, names in pairs(drops) do callMany('HDEL', Q .. field, names) end
end

local function writeWorkers()
  for number, by in pairs(workers) do
    local name = text(number)
    if by ~= 0 and call('HINCRBY', Q .. 'V', name, by) <= 0 then
      local worker = call('HGET', Q .. 'W', name)
      call('HDEL', Q .. 'V', name)
      call('HDEL', Q .. 'W', name)
      if worker then call('HDEL', Q .. 'w', worker) end
    end
  end
end

local function writeEffects()
  local members = {}
  for i = 1, #effects do
    append(members, string.match(effects[i], '^%d+'))
    append(members, effects[i])
  end
  callMany('ZADD', Q .. 'O', members)
end

-- The last step of every script that changes something. Answers with the outbox entries that were added, after the signal
-- that is the caller's to tell.
function commit()
  for lane, entries in pairs(fronts) do lanePush(lane, entries, true) end
  for lane, entries in pairs(pushes) do lanePush(lane, entries) end
  for lane in pairs(stale) do settleLane(lane) end
  writeLists()
  writeRanks()
  writeFinals()
  writeLeases()
  writeUnleased()
  writeTasks()
  writeWorkers()
  if scheduled[1] then callMany('ZADD', Q .. 'S', scheduled) end
  if unscheduled[1] then callMany('ZREM', Q .. 'S', unscheduled) end
  if unstarts[1] then callMany('ZREM', Q .. 'D', unstarts) end
  if starts[1] then callMany('ZADD', Q .. 'D', starts) end
  if effects[1] then writeEffects() end
  writeNumbers()
  local told = ready or changed[1] or revoked[1]
  table.insert(effects, 1, told and tell(ready, tellPieces(changed), revoked) or '')
  return effects
end
end
