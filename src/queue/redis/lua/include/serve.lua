-- Which lane has the next turn (lane.ts), and the lanes' runs while a call serves them.
--@include commit
-- The scores from which the lanes of a priority begin, as text; the first call makes them.
local scores = {}
local function scoreOf(priority)
  if not scores[priority] then scores[priority] = text((9 - priority) * PASSES) end
  return scores[priority]
end

--@constant LOWER_TURN_EVERY 16
--@constant STRIDE 4096

-- Counts a task of a key that is handed out; writeKeys() follows.
--@state taken = {}
local function takeOfKey(key)
  if key == '' then return end
  local state = keyState(key)
  state.running = state.running + 1
  taken[key] = (taken[key] or 0) + 1
  if keyRate > 0 then state.full = math.max(state.full, NOW) + 1000 / keyRate end
end

-- Parks the lanes of each key that has no place left.
local function writeKeys()
  for key, n in pairs(taken) do
    call('HINCRBY', Q .. 'K', key, n)
    if keyRate > 0 then call('HSET', Q .. 'k', key, format('%.17g', keyState(key).full)) end
    parkIfHeld(key)
  end
end

--@state lanes, touched, tenantLanes = {}, {}, {}

-- The open lanes of a lane's tenant and priority, as they are when the call first looks.
local function lanesOfTenant(L)
  if valueOf('multi') == 0 then return 1 end
  local tenant = tenantOf(L.name, L.tenant)
  if not tenantLanes[tenant] then
    local digit = sub(L.name, 1, 1)
    local plain = L.tenant == 'default' and digit or table.concat({ digit, L.tenant, '', '' }, MARK)
    writeRanks()
    local n = tonumber(call('HGET', Q .. 'T', tenant)) or 0
    tenantLanes[tenant] = math.max(1, n + (call('ZSCORE', Q .. 'R', plain) and 1 or 0))
  end
  return tenantLanes[tenant]
end

local function laneAt(name, score)
  local L = lanes[name]
  if L then return L end
  local priority = tonumber(sub(name, 1, 1))
  L = { name = name, priority = priority, pass = score - (9 - priority) * PASSES }
  L.tenant, L.key, L.labels = laneParts(name)
  local weight = weighted == 1 and tonumber(call('HGET', Q .. 'H', L.tenant) or nil) or 1
  L.stride = math.max(1, floor(STRIDE * lanesOfTenant(L) / weight + 0.5))
  lanes[name] = L
  return L
end

local function popRun(L)
  if L.run or L.closed then return end
  local list = listOf(L.name)
  local entry = firstOf(list)
  if not entry then return end
  dropFirstOf(list)
  L.run = runOf(entry)
end

-- Writes a lane back as it is now: what is left of its run, its pass, or that it is closed.
local function putBack(L)
  local rest = L.run and L.run.at < L.run.n
  if rest then addFirst(listOf(L.name), restOf(L.run)) end
  L.run = nil
  if L.closed then return end
  local there = true
  if valueOf('stale') > 0 then
    there = settleLane(L.name)
  elseif not rest and not firstOf(listOf(L.name)) then
    closeLane(L.name)
    there = false
  end
  if not there then
    L.closed = true
    lanes[L.name] = nil
    return
  end
  local held, at = keyHeld(L.key)
  if held then
    closeLane(L.name)
    parkLane(L.name, L.key, L.pass, at)
    L.closed = true
  else
    setRank(lanesKey(L.labels), L.name, rankOf(L.name, L.pass))
  end
end

local function putAllBack()
  for name, L in pairs(touched) do
    putBack(L)
    L.served = nil
    if L.closed then lanes[name] = nil end
  end
  touched = {}
end

-- Whether the lane has a next task, at its run's `at`; else it is closed or parked, and no more in the order.
local function prepare(L)
  if L.closed then return end
  touched[L.name] = L
  if keyHeld(L.key) then
    putBack(L)
    return false
  end
  while true do
    popRun(L)
    if not L.run then
      closeLane(L.name)
      L.closed = true
      return false
    end
    local from = L.run.at
    local isThere = settleRun(L.run)
    if L.run.at > from then add('stale', from - L.run.at) end
    if isThere then return true end
    L.run = nil
  end
end

local function before(one, other)
  if one.pass ~= other.pass then return one.pass < other.pass end
  return one.name < other.name
end

-- A heap of lanes: the one that comes first is at 1.
local function sink(heap, at)
  local L, n = heap[at], #heap
  while 2 * at <= n do
    local child = 2 * at
    if child < n and before(heap[child + 1], heap[child]) then child = child + 1 end
    if not before(heap[child], L) then break end
    heap[at] = heap[child]
    at = child
  end
  heap[at] = L
end

local function dropFirst(heap)
  heap[1] = heap[#heap]
  heap[#heap] = nil
  if heap[1] then sink(heap, 1) end
end

-- A heap of lanes, their first runs read.
local function heapOf(heap)
  if #heap > 1 then
    local names = {}
    for i, L in ipairs(heap) do names[i] = L.name end
    readLists(names)
    names = {}
    for _, L in ipairs(heap) do
      popRun(L)
      touched[L.name] = L
      local name = L.run and L.run.uniq
      if name and not loaded[name] then names[#names + 1] = name end
    end
    loadAll(names)
    for at = floor(#heap / 2), 1, -1 do sink(heap, at) end
  end
  return heap
end

-- The first lanes of a priority, up to `most`, out of the sets that a worker may be served from.
local function lanesAt(sets, priority, most)
  writeRanks()
  local heap, low, high = {}, scoreOf(priority), '(' .. scoreOf(priority - 1)
  for _, set in ipairs(sets) do
    local found = call('ZRANGEBYSCORE', set, low, high, 'WITHSCORES', 'LIMIT', 0, most)
    for i = 1, #found, 2 do heap[#heap + 1] = laneAt(found[i], tonumber(found[i + 1])) end
  end
  return heapOf(heap)
end

-- The highest priority, at or below `most`, that has a lane in the sets.
local function priorityFrom(sets, most)
  writeRanks()
  local best
  for _, set in ipairs(sets) do
    local first = call('ZRANGEBYSCORE', set, scoreOf(most), '+inf', 'LIMIT', 0, 1)[1]
    local priority = first and tonumber(sub(first, 1, 1))
    if priority and (not best or priority > best) then best = priority end
  end
  return best
end

local function priorityAt(ranked, i) return tonumber(sub(ranked[2 * i - 1], 1, 1)) end

-- The first lanes of a set, up to `most` and one, names and scores in turn; the first one's priority, and how many have it too.
local function firstLanes(set, most)
  local ranked = call('ZRANGE', set, 0, most, 'WITHSCORES')
  local n = #ranked / 2
  if n == 0 then return end
  local best = priorityAt(ranked, 1)
  while priorityAt(ranked, n) ~= best do n = n - 1 end
  return { ranked = ranked, priority = best, n = math.min(n, most), isCut = #ranked > 2 * most, hasLower = n < #ranked / 2 }
end

-- The highest priority that has a lane, the first of these lanes by set, and whether a lower one has any.
local function highest(sets, most)
  writeRanks()
  local found, best = {}, nil
  for _, set in ipairs(sets) do
    local first = firstLanes(set, most)
    if first then
      found[#found + 1] = first
      best = math.max(best or 0, first.priority)
    end
  end
  if not best then return end
  local tops, hasLower, isCut = {}, false, false
  for _, first in ipairs(found) do
    if first.priority == best then tops[#tops + 1] = first end
    hasLower = hasLower or first.priority < best or first.hasLower
    isCut = isCut or first.isCut
  end
  return best, tops, hasLower or isCut and best > 0 and priorityFrom(sets, best - 1) ~= nil
end

local function lanesOf(tops)
  local found = {}
  for _, first in ipairs(tops) do
    for i = 1, first.n do
      found[#found + 1] = laneAt(first.ranked[2 * i - 1], tonumber(first.ranked[2 * i]))
    end
  end
  return found
end

-- The first lane of each priority below one, as far as it has a task.
local function lowerLanes(sets, priority)
  local found = {}
  local at = priority > 0 and priorityFrom(sets, priority - 1)
  while at do
    local heap = lanesAt(sets, at, 1)
    if heap[1] and prepare(heap[1]) then
      found[#found + 1] = heap[1]
      at = at > 0 and priorityFrom(sets, at - 1)
    else
      if heap[1] == nil then break end
      at = priorityFrom(sets, at)
    end
  end
  return found
end
