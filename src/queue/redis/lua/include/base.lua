-- Every script begins with this part, and includes of the others only what it uses: each function costs every call of it.
--
-- KEYS[1]  am:{queue}: everything of the queue begins with it, so that one hash slot holds the queue. Scripts make the
--          names of the keys they touch from it; keys.ts says what each key is.
-- ARGV[1]  the channel of signals
-- ARGV[2]  how many entries a log keeps
-- ARGV[3]  the items, packed by the caller in the format of each script's head
-- the last  how the caller hears the channel now: counted (it is one of its subscribers), away (it is none), or uncounted (it
--          is one, but a server of a cluster counts no more than its own subscribers)
--
-- A reply is {outcomes, {signal, effect, …}}: packed outcomes in the items' order; then the signal that is the caller's to
-- tell ('' for none) and the outbox entries that were added.
local call, pack, parse, band, bor = redis.call, struct.pack, struct.unpack, bit.band, bit.bor
local char, byte, format, floor = string.char, string.byte, string.format, math.floor
local Q, CHANNEL, LOG_MAX, INPUT, HEARS = KEYS[1], ARGV[1], tonumber(ARGV[2]), ARGV[3], ARGV[#ARGV]
local clock = call('TIME')
local NOW = clock[1] * 1000 + floor(clock[2] / 1000)

local BLOCKED, SCHEDULED, QUEUED, RUNNING, SUCCEEDED, FAILED, CANCELED = 0, 1, 2, 3, 5, 6, 7
local MISSING = 255

-- The small fields of a task lie packed in one field, m, of its hash: reading and writing them is one value each.
local SMALL = '>BBBBI2I2I2I4I4I5I7I6I6I6I6I6'
local SMALL_FIELDS = 16
local STATE, PRIORITY, FIRST_STATE, FLAGS, ATTEMPT, GENERATION, PENDING, FENCE = 1, 2, 3, 4, 5, 6, 7, 8
local LAST, NUMBER, PLACE, CREATED, QUEUED_AT, STARTED, FINISHED, DUE = 9, 10, 11, 12, 13, 14, 15, 16
local HAS_CHILDREN, HAS_LOG_LIST, IS_DEAD, HAS_ERROR = 1, 2, 4, 8

-- A line is an order of tasks: r (ready to be leased), f (final, by end), n (all, by creation). Its members lie in small
-- hashes of 64 neighbours, {place % 64 as one byte → task}, which Redis keeps as listpacks (25 bytes a task where a sorted set takes
-- 125); a sorted set, named as the line, holds the numbers of the hashes that exist.
local SPAN = 64

-- Places of the ready line: by priority, then what was released (the last one first), then by arrival.
local PRIORITY_SPAN, ARRIVALS = 2 ^ 45, 2 ^ 44
