#!lua
-- Takes tasks in. Refused as a whole when memory is full.
-- ARGV[3]  items: priority B, known parents B (0: one is missing), time kind B (0 none, 1 at, 2 after) and time I6,
--          unique Bc0, fingerprint I2c0, header I4c0, spec I4c0, parents I4c0, pending parents I4 × (id I4c0, condition c1)
-- ARGV[4]  unfinished tasks that the queue may hold
-- outcomes: status B (0 created, 1 existing, 2 conflict, 3 full, 4 unknown parent), state B
--@include enter
local tasksMax = tonumber(ARGV[4])
readNumbers({ '0', '1', '2', '3', '4', 'number', 'place', 'fence' })
local fence = numbers['fence'] -- a task that comes again under a deleted one's id has a higher one
local unfinished = numbers['0'] + numbers['1'] + numbers['2'] + numbers['3'] + numbers['4']

local function create(T, due, parents)
  T[NUMBER] = take('number')
  lineAdd('n', T[NUMBER], T.uniq)
  T[DUE] = due
  if parents[1] then
    T[STATE] = BLOCKED
    blockOn(T, parents)
  elseif due > NOW then
    T[STATE] = SCHEDULED
    enterScheduled(T, due)
  else
    T[STATE] = QUEUED
    enterReady(T, false)
  end
  T[FIRST_STATE] = T[STATE]
  count(T[STATE], 1)
  changed[#changed + 1] = T.uniq
end

local function addField(fields, name, value)
  if value == '' then return end
  fields[#fields + 1] = name
  fields[#fields + 1] = value
end

local at, outcomes = 1, {}
while at <= #INPUT do
  local priority, known, timeKind, time, uniq, fingerprint, header, spec, named, n, parents
  priority, known, timeKind, time, uniq, fingerprint, header, spec, named, n, at =
    parse('>BBBI6Bc0I2c0I4c0I4c0I4c0I4', INPUT, at)
  parents, at = parseParents(n, at)
  local key = Q .. 't:' .. uniq
  if call('EXISTS', key) == 1 then
    local existing = call('HMGET', key, 'm', 'f')
    local same = (existing[2] or '') == fingerprint
    outcomes[#outcomes + 1] = char(same and 1 or 2, byte(existing[1], 1))
  elseif known == 0 then
    outcomes[#outcomes + 1] = char(4, 0)
  elseif unfinished >= tasksMax then
    outcomes[#outcomes + 1] = char(3, 0)
  else
    local T = { 0, priority, 0, 0, 0, 1, 0, fence, 1, 0, 0, NOW, 0, 0, 0, 0, uniq = uniq }
    create(T, timeKind == 1 and time or timeKind == 2 and NOW + time or 0, parents)
    local fields = { 'm', pack(SMALL, unpack(T)), 's', spec }
    addField(fields, 'h', header)
    addField(fields, 'f', fingerprint)
    addField(fields, 'd', named)
    call('HSET', key, unpack(fields))
    unfinished = unfinished + 1
    outcomes[#outcomes + 1] = char(0, T[STATE])
  end
end
return { table.concat(outcomes), commit() }
