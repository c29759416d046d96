#!lua flags=allow-oom
-- Gives the first ready tasks to those who ask.
-- ARGV[3]  asks: how many I2, lease in milliseconds I6, worker I2c0
-- ARGV[4]  bytes after which it stops: the caller asks again for the rest
-- outcomes: stopped early B, then for each ask: tasks I2, each as addTask packs it; third in the reply: their values
--@include save
--@include line
--@include record
local bytesMax = tonumber(ARGV[4])
local function give(uniq, due, worker)
  local got, logged = readTask(uniq)
  local T = taskOf(uniq, got[1], logged)
  T[ATTEMPT] = T[ATTEMPT] + 1
  T[FENCE] = T[FENCE] + 1
  T[STARTED] = NOW
  T[DUE] = due
  T[PLACE] = 0
  local n = #leased
  leased[n + 1] = due
  leased[n + 2] = uniq
  move(T, RUNNING, '', worker)
  set(T, 'w', worker)
  got[1] = save(T)
  got[5] = false
  addTask(uniq, got)
end

-- Gives up to `max` tasks out of the first bucket; answers how many.
local function giveFrom(bucket, max, due, worker)
  local members = lineMembers('r', bucket)
  local given, fields = 0, {}
  for _, member in ipairs(members) do
    if given == max or bytes >= bytesMax then break end
    given = given + 1
    fields[given] = char(member[1])
    give(member[2], due, worker)
  end
  if given == #members then
    call('DEL', Q .. 'r:' .. bucket)
    call('ZREM', Q .. 'r', bucket)
  elseif given > 0 then
    call('HDEL', Q .. 'r:' .. bucket, unpack(fields))
  end
  return given
end

readNumbers({ '2', '3' })
parts[1] = '\0'
local at = 1
while at <= #INPUT do
  local max, leaseMs, worker
  max, leaseMs, worker, at = parse('>I2I6I2c0', INPUT, at)
  local slot, given = #parts + 1, 0
  parts[slot] = ''
  while given < max and bytes < bytesMax do
    local bucket = call('ZRANGE', Q .. 'r', 0, 0)[1]
    if not bucket then break end
    given = given + giveFrom(bucket, max - given, NOW + leaseMs, worker)
  end
  if given < max and bytes >= bytesMax then parts[1] = '\1' end
  parts[slot] = pack('>I2', given)
end
return { table.concat(parts), commit(), values }
