-- What asks are given.
--@include commit
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

-- How long an attempt may last by its timeouts, which begin with it.
local function limitOfKind(packed)
  local _, toFinish, heartbeat = parse('>I6I6I6', packed)
  return math.min(toFinish > 0 and toFinish or 2 ^ 47, heartbeat > 0 and heartbeat or 2 ^ 47)
end

-- An ask's term on tasks that live in their rows: when it ends, the run of its leases, and what the rows become.
local function termOf(ask, timeouts)
  local term = ask.terms[timeouts]
  if term then return term end
  term = { due = NOW + ask.leaseMs }
  ask.terms[timeouts] = term
  if timeouts ~= '' then term.due = math.min(term.due, NOW + limitOfKind(timeouts)) end
  ask.number = ask.number or workerNumber(ask.worker)
  term.run = leaseRun(term.due, timeouts ~= '' and math.min(ask.leaseMs, 2 ^ 47) or nil)
  term.row = pack(ROW, RUNNING, term.run.number, ask.number, NOW, term.due, NO_OUTPUT)
  return term
end

local function handedOut(ask, n)
  passes[1] = passes[1] + n
  allowed, given, ask.n = allowed - n, given + n, ask.n + n
end
