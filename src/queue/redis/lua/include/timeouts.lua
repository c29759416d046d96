-- A task's timeouts, in the field z: to start, to finish and between heartbeats (0: none), the last lease's length, and the last
-- sign of life, in milliseconds.
--@include task
--@constant TIMEOUTS '>I6I6I6I6I6'
local function timeoutsOf(T)
  local packed = get(T, 'z')
  if not packed then return end
  local toStart, toFinish, heartbeat, leaseMs, sign = parse(TIMEOUTS, packed)
  return { toStart = toStart, toFinish = toFinish, heartbeat = heartbeat, leaseMs = leaseMs, sign = sign }
end

local function packTimeouts(z) return pack(TIMEOUTS, z.toStart, z.toFinish, z.heartbeat, z.leaseMs, z.sign) end

-- When the attempt's own limits end a lease; and when a lease that is asked for now ends (task.ts: leaseEndMs).
local function limitOf(T, z)
  local finish = z.toFinish > 0 and T[STARTED] + z.toFinish or 2 ^ 47
  local heartbeat = z.heartbeat > 0 and z.sign + z.heartbeat or 2 ^ 47
  return math.min(finish, heartbeat)
end
