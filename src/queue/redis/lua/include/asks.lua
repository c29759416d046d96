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

-- What the rows become of tasks that an ask is given.
local function rowOf(ask)
  if not ask.row then
    ask.due = NOW + ask.leaseMs
    ask.number = ask.number or workerNumber(ask.worker)
    ask.run = leaseRun(ask.due)
    ask.row = pack(ROW, RUNNING, ask.run.number, ask.number, NOW, ask.due, NO_OUTPUT)
  end
  return ask.row
end

local function handedOut(ask, n)
  passes[1] = passes[1] + n
  allowed, given, ask.n = allowed - n, given + n, ask.n + n
end
