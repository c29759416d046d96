-- Lanes of QUEUED tasks that are alike (lane.ts). An entry of a lane (lists.lua) names neighbours in a chunk that wait in their
-- rows: 1 B, chunk I5, slot B, tasks B; or a task with a head: 0 B, place I6, name.
-- A lane with entries is open, in the sorted set R (R:LABELS where it wants labels) by priority and pass, or parked: its key is
-- at its cap or out of tokens; then the hash B has its pass and the set B:KEY names it. The set N:KEY names a key's open lanes.
--@include policy
--@include lists
--@constant PASSES (2 ^ 49)
--@constant TURNS '>I6I7I7I7I7I7I7I7I7I7I7'

local function laneParts(lane)
  if #lane == 1 then return 'default', '', '' end
  return string.match(lane, '^%d\31([^\31]*)\31([^\31]*)\31(.*)$')
end

local function lanesKey(labels) return labels == '' and Q .. 'R' or Q .. 'R:' .. labels end

-- How the lanes of a tenant are counted that have a key or labels: the tenant's plain lane is beside them.
local function tenantOf(lane, tenant) return sub(lane, 1, 1) .. MARK .. tenant end

-- The turns: tasks handed out, and each priority's pass of the lane served last.
--@state turns = nil
local function readTurns()
  if turns then return turns end
  local before = packedOf('turns')
  turns = before ~= '' and { parse(TURNS, before) } or { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0 }
  return turns
end

local function virtualOf(lane) return readTurns()[2 + tonumber(sub(lane, 1, 1))] end

-- The places of lanes that change, by the set that they are in; false: in none. Whoever reads a set writes them first.
--@state ranks = {}
local function ranksOf(key)
  ranks[key] = ranks[key] or {}
  return ranks[key]
end

local function setRank(key, lane, score) ranksOf(key)[lane] = score end

local function writeRanks()
  for key, changed in pairs(ranks) do
    local kept, gone = {}, {}
    for lane, score in pairs(changed) do
      if score then
        kept[#kept + 1] = score
        kept[#kept + 1] = lane
      else
        gone[#gone + 1] = lane
      end
    end
    callMany('ZADD', key, kept)
    callMany('ZREM', key, gone)
  end
  ranks = {}
end

local function rankOf(lane, pass) return text((9 - tonumber(sub(lane, 1, 1))) * PASSES + pass) end

local function openLane(lane, pass)
  local tenant, key, labels = laneParts(lane)
  if key ~= '' or labels ~= '' then
    add('multi', 1)
    call('HINCRBY', Q .. 'T', tenantOf(lane, tenant), 1)
    if key ~= '' then call('SADD', Q .. 'N:' .. key, lane) end
    if labels ~= '' then call('SADD', Q .. 'Y', labels) end
  end
  setRank(lanesKey(labels), lane, rankOf(lane, pass))
end

local function closeLane(lane)
  local tenant, key, labels = laneParts(lane)
  setRank(lanesKey(labels), lane, false)
  if key == '' and labels == '' then return end
  add('multi', -1)
  if key ~= '' then call('SREM', Q .. 'N:' .. key, lane) end
  local field = tenantOf(lane, tenant)
  if call('HINCRBY', Q .. 'T', field, -1) <= 0 then call('HDEL', Q .. 'T', field) end
  if labels == '' then return end
  writeRanks()
  if call('EXISTS', lanesKey(labels)) == 0 then call('SREM', Q .. 'Y', labels) end
end

local function parkLane(lane, key, pass, at)
  call('HSET', Q .. 'B', lane, text(pass))
  call('SADD', Q .. 'B:' .. key, lane)
  if at then call('ZADD', Q .. 'Z', format('%.17g', at), key) end
end

-- Parks all lanes of a key, where something holds it back.
local function parkIfHeld(key)
  local held, at = keyHeld(key)
  if not held then return false end
  writeRanks()
  for _, lane in ipairs(call('SMEMBERS', Q .. 'N:' .. key)) do
    local _, _, labels = laneParts(lane)
    local score = tonumber(call('ZSCORE', lanesKey(labels), lane))
    closeLane(lane)
    parkLane(lane, key, score - (9 - tonumber(sub(lane, 1, 1))) * PASSES, at)
  end
  return true
end

-- Opens the lanes that wait for a key, behind none of those that were served meanwhile.
local function unpark(key)
  local waiting = call('SMEMBERS', Q .. 'B:' .. key)
  for _, lane in ipairs(waiting) do
    local pass = tonumber(call('HGET', Q .. 'B', lane)) or 0
    openLane(lane, math.max(pass, virtualOf(lane)))
    call('HDEL', Q .. 'B', lane)
  end
  if waiting[1] then call('DEL', Q .. 'B:' .. key) end
  return waiting[1] ~= nil
end

local function entryOf(place, uniq) return pack('>BI6', 0, place) .. uniq end
local function entryOfSlots(number, slot, n) return pack('>BI5BB', 1, number, slot, n) end

-- A lane that was empty opens, or is parked at once.
local function enterLane(lane)
  local _, key = laneParts(lane)
  local held, at = keyHeld(key)
  if held then parkLane(lane, key, virtualOf(lane), at) else openLane(lane, virtualOf(lane)) end
end

-- Adds entries to a lane, at its end; or at its front, where the last of them then is the first.
local function lanePush(lane, entries, atFront)
  local list = listOf(lane)
  local wasEmpty = not firstOf(list)
  if atFront then
    for i = 1, #entries do addFirst(list, entries[i]) end
  else
    addLast(list, entries)
  end
  if wasEmpty then enterLane(lane) end
end

-- Forgets a parked lane that has no entry any more; false: it is not parked.
local function unparkEmpty(lane)
  if call('HDEL', Q .. 'B', lane) == 0 then return false end
  local _, key = laneParts(lane)
  call('SREM', Q .. 'B:' .. key, lane)
  return true
end
