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
local char, byte, sub, format, floor = string.char, string.byte, string.sub, string.format, math.floor
local Q, CHANNEL, LOG_MAX, INPUT, HEARS = KEYS[1], ARGV[1], tonumber(ARGV[2]), ARGV[3], ARGV[#ARGV]
local clock = call('TIME')
local NOW = clock[1] * 1000 + floor(clock[2] / 1000)

-- Constants are put in where they are named: Lua has room for 200 locals alone.
--@constant BLOCKED 0
--@constant SCHEDULED 1
--@constant QUEUED 2
--@constant RUNNING 3
--@constant SUCCEEDED 5
--@constant FAILED 6
--@constant CANCELED 7
--@constant MISSING 255

-- What changes of a task is its head, in the hash t. All else is written once, in batches, and read by what the head says.
--@constant HEAD '>BBBI3I2I2I2I4I4I6I5BI4I4I4I6I6I6I6I6'
--@constant HEAD_FIELDS 20
--@constant STATE 1
--@constant PRIORITY 2
--@constant FIRST_STATE 3
--@constant FLAGS 4
--@constant ATTEMPT 5
--@constant GENERATION 6
--@constant PENDING 7
--@constant FENCE 8
--@constant LAST 9
-- Where the index of its state mentions it: the place in its lane, the number of its lease run, or of its final run.
--@constant PLACE 10
-- Its chunk, the slot in it, and where its spec lies in it.
--@constant CHUNK 11
--@constant SLOT 12
--@constant OFFSET 13
--@constant LENGTH 14
-- The number of the worker of its last lease.
--@constant WORKER 15
--@constant CREATED 16
--@constant QUEUED_AT 17
--@constant STARTED 18
--@constant FINISHED 19
--@constant DUE 20

-- What there is of a task besides its head: children that wait, a log list, being a dead letter, and fields in the hashes of the
-- same names.
--@constant HAS_CHILDREN 1
--@constant HAS_LOG_LIST 2
--@constant IS_DEAD 4
local BITS = { l = 8, h = 16, f = 32, d = 64, o = 128, e = 256, p = 512, u = 1024, r = 2048, g = 4096, z = 8192, s = 16384 }

--@constant MARK '\31'
local function text(n) return format('%.0f', n) end
local function has(T, bit) return band(T[FLAGS], bit) ~= 0 end
local function queueName() return string.match(Q, '{(.-)}') end
