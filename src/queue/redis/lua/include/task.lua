-- The task's record, the queue's indexes, its outbox and its signal. Every script begins with this part.
--
-- KEYS[1]  am:{queue}: everything of the queue begins with it, so that one hash slot holds the queue. Scripts make the
--          names of the keys they touch from it; keys.ts says what each key is.
-- ARGV[1]  the channel of signals
-- ARGV[2]  how many entries a log keeps
-- ARGV[3]  the items, packed by the caller in the format of each script's head
--
-- A reply is {outcomes, {signal, effect, …}}: packed outcomes in the items' order; then the signal that is the caller's to
-- tell ('' for none) and the outbox entries that were added.
local call, pack, parse, band, bor = redis.call, struct.pack, struct.unpack, bit.band, bit.bor
local char, byte, format, floor = string.char, string.byte, string.format, math.floor
local Q, CHANNEL, LOG_MAX, INPUT = KEYS[1], ARGV[1], tonumber(ARGV[2]), ARGV[3]
local clock = call('TIME')
local NOW = clock[1] * 1000 + math.floor(clock[2] / 1000)

local BLOCKED, SCHEDULED, QUEUED, RUNNING, SUCCEEDED, FAILED, CANCELED = 0, 1, 2, 3, 5, 6, 7
local MISSING = 255

-- The small fields of a task lie packed in one field, m, of its hash: reading and writing them is one value each.
local SMALL = '>BBBBI2I2I2I4I4I5I7I6I6I6I6I6'
local SMALL_FIELDS = 16
local STATE, PRIORITY, FIRST_STATE, FLAGS, ATTEMPT, GENERATION, PENDING, FENCE = 1, 2, 3, 4, 5, 6, 7, 8
local LAST, NUMBER, PLACE, CREATED, QUEUED_AT, STARTED, FINISHED, DUE = 9, 10, 11, 12, 13, 14, 15, 16
local HAS_CHILDREN, HAS_LOG_LIST, IS_DEAD, HAS_ERROR = 1, 2, 4, 8

local deltas, changed, revoked, effects = {}, {}, {}, {}
local ready = false
local additions = { r = {}, f = {}, n = {} }
local leased, unleased, scheduled = {}, {}, {}
local counters, countersTaken

-- The next value of one of the queue's counters: number (creation), place (ready), ended (final), effect (outbox).
local COUNTERS = { number = 1, place = 2, ended = 3, effect = 4 }
local function take(name)
  if not counters then
    counters = call('HMGET', Q .. 'q', 'number', 'place', 'ended', 'effect')
    countersTaken = {}
  end
  local value = (tonumber(counters[COUNTERS[name]]) or 0) + 1
  counters[COUNTERS[name]] = value
  countersTaken[name] = value
  return value
end

-- A line is an order of tasks: r (ready to be leased), f (final, by end), n (all, by creation). Its members lie in small
-- hashes of 64 neighbours, {place % 64 as one byte → task}, which Redis keeps as listpacks (25 bytes a task where a sorted set takes
-- 125); a sorted set, named as the line, holds the numbers of the hashes that exist.
local SPAN = 64
local function bucketOf(place) return format('%.0f', floor(place / SPAN)) end

local function lineAdd(line, place, uniq)
  local number = floor(place / SPAN)
  local members = additions[line][number]
  if not members then
    members = {}
    additions[line][number] = members
  end
  local n = #members
  members[n + 1] = char(place % SPAN)
  members[n + 2] = uniq
end

local function lineRemove(line, place)
  local bucket = bucketOf(place)
  local key = Q .. line .. ':' .. bucket
  call('HDEL', key, char(place % SPAN))
  if call('EXISTS', key) == 0 then call('ZREM', Q .. line, bucket) end
end

-- A bucket's members in order: {{place % 64, task}, …}.
local function lineMembers(line, bucket)
  local flat = call('HGETALL', Q .. line .. ':' .. bucket)
  local members, sorted, last = {}, true, -1
  for i = 1, #flat, 2 do
    local place = byte(flat[i])
    if place < last then sorted = false end
    last = place
    members[#members + 1] = { place, flat[i + 1] }
  end
  if not sorted then table.sort(members, function(a, b) return a[1] < b[1] end) end
  return members
end

local function lineFlush(line)
  local buckets = {}
  for number, members in pairs(additions[line]) do
    local bucket = format('%.0f', number)
    call('HSET', Q .. line .. ':' .. bucket, unpack(members))
    buckets[#buckets + 1] = bucket
    buckets[#buckets + 1] = bucket
  end
  if buckets[1] then call('ZADD', Q .. line, unpack(buckets)) end
end

local function taskOf(uniq, small, log)
  return { uniq = uniq, key = Q .. 't:' .. uniq, log = log or '', sets = {}, drops = false, fresh = false, parse(SMALL, small) }
end

local function load(uniq)
  local got = call('HMGET', Q .. 't:' .. uniq, 'm', 'l')
  return got[1] and taskOf(uniq, got[1], got[2])
end

local function set(T, field, value)
  local sets = T.sets
  local n = #sets
  sets[n + 1] = field
  sets[n + 2] = value
end

local function drop(T, field)
  T.drops = T.drops or {}
  T.drops[#T.drops + 1] = field
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

local function count(state, by) deltas[state] = (deltas[state] or 0) + by end

-- Calls a variadic command with as many arguments as Lua can pass at a time.
local function callMany(command, key, values)
  for first = 1, #values, 1000 do
    call(command, key, unpack(values, first, math.min(first + 999, #values)))
  end
end
