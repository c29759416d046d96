-- What every function of the library stands on. scripts.ts puts the library together: each of these parts once, then each script,
-- whose part after the line `--@main` is the body of its function. A line `--@state` names what a call begins with anew; a line
-- `--@constant` is put in where its name stands, since Lua has room for 200 locals alone.
--
-- keys[1]  am:{queue}: everything of the queue begins with it, so that one hash slot holds the queue. Scripts make the
--          names of the keys they touch from it; keys.ts says what each key is.
-- ARGV[1]  the channel of signals
-- ARGV[2]  how many entries a log keeps
-- ARGV[3]  the items, packed by the caller in the format of each script's head
-- the last  how the caller hears the channel now: counted (it is one of its subscribers), away (it is none), or uncounted (it
--          is one, but a server of a cluster counts no more than its own subscribers)
--
-- A reply is {outcomes, {signal, effect, …}}: packed outcomes in the items' order; then the signal that is the caller's to
-- tell ('' for none) and the outbox entries that were added.
-- There are none of these while a library is loaded.
--@once char, byte, sub, format, floor = string.char, string.byte, string.sub, string.format, math.floor
--@once call, pack, parse, band, bor = redis.call, struct.pack, struct.unpack, bit.band, bit.bor
--@state Q, ARGV = keys[1], args
--@state CHANNEL, LOG_MAX, INPUT, HEARS = args[1], tonumber(args[2]), args[3], args[#args]
--@state clock = call('TIME')
--@state NOW = clock[1] * 1000 + floor(clock[2] / 1000)

--@constant BLOCKED 0
--@constant SCHEDULED 1
--@constant QUEUED 2
--@constant RUNNING 3
--@constant SUCCEEDED 5
--@constant FAILED 6
--@constant CANCELED 7
--@constant MISSING 255

-- A task's fields, as they are packed in a head: in the hash t, for each task that does not live in a row (chunk.lua).
--@constant HEAD '>BBBI3I2I2I2I4I4I6I6I6I4I6I5BI6I6'
--@constant HEAD_FIELDS 18
--@constant STATE 1
--@constant PRIORITY 2
--@constant FIRST_STATE 3
--@constant FLAGS 4
--@constant ATTEMPT 5
--@constant GENERATION 6
--@constant PENDING 7
--@constant FENCE 8
--@constant LAST 9
-- Where the index of its state mentions it: the place in its lane (0 where its row waits), the number of its lease run, or of its
-- final run.
--@constant PLACE 10
-- Its chunk, and the slot in it.
--@constant CHUNK 15
--@constant SLOT 16
-- The number of the worker of its last lease.
--@constant WORKER 13
--@constant CREATED 17
--@constant QUEUED_AT 18
--@constant STARTED 14
--@constant FINISHED 11
--@constant DUE 12

-- What there is of a task besides its head: children that wait, a log list, being a dead letter, and fields in the hashes of the
-- same names.
--@constant HAS_CHILDREN 1
--@constant HAS_LOG_LIST 2
--@constant IS_DEAD 4
local BITS = { l = 8, h = 16, f = 32, d = 64, o = 128, e = 256, p = 512, u = 1024, r = 2048, g = 4096, z = 8192, s = 16384 }

--@constant MARK '\31'
local function text(n) return format('%d', n) end
local function has(T, bit) return band(T[FLAGS], bit) ~= 0 end
local function queueName() return string.match(Q, '{(.-)}') end
