#!lua
-- Takes in tasks that can be leased at once; submit.lua takes in those that wait for a parent or for a time. This is the
-- most frequent call of all, and what submit.lua does for every kind of task it does with half the functions.
-- ARGV[3]  items: priority B, unique Bc0, fingerprint I2c0, header I4c0, spec I4c0
-- ARGV[4]  unfinished tasks that the queue may hold
-- outcomes: status B (0 created, 1 existing, 2 conflict, 3 full), state B
--@include gather
--@include tell
local numbers = call('HMGET', Q .. 'q', 'number', 'place', 'fence', '2', '0', '1', '3')
for i = 1, 7 do numbers[i] = tonumber(numbers[i]) or 0 end
local number, place, fence, queued = numbers[1], numbers[2], numbers[3], numbers[4]
local room = tonumber(ARGV[4]) - queued - numbers[5] - numbers[6] - numbers[7]

local all, ready, created, outcomes, at = {}, {}, {}, {}, 1
while at <= #INPUT do
  local priority, uniq, fingerprint, header, spec
  priority, uniq, fingerprint, header, spec, at = parse('>BBc0I2c0I4c0I4c0', INPUT, at)
  local key = Q .. 't:' .. uniq
  local outcome
  if call('EXISTS', key) == 1 then
    local existing = call('HMGET', key, 'm', 'f')
    outcome = char((existing[2] or '') == fingerprint and 1 or 2, byte(existing[1], 1))
  elseif #created >= room then
    outcome = '\3\0'
  else
    number, place = number + 1, place + 1
    local inLine = (9 - priority) * PRIORITY_SPAN + ARRIVALS + place
    gather(all, number, uniq)
    gather(ready, inLine, uniq)
    local small = pack(SMALL, QUEUED, priority, QUEUED, 0, 0, 1, 0, fence, 1, number, inLine, NOW, NOW, 0, 0, 0)
    if header == '' and fingerprint == '' then
      call('HSET', key, 'm', small, 's', spec)
    else
      local fields = { 'm', small, 's', spec }
      if header ~= '' then fields[5], fields[6] = 'h', header end
      if fingerprint ~= '' then fields[#fields + 1], fields[#fields + 2] = 'f', fingerprint end
      call('HSET', key, unpack(fields))
    end
    created[#created + 1] = uniq
    outcome = '\0\2'
  end
  outcomes[#outcomes + 1] = outcome
end
if not created[1] then return { table.concat(outcomes), { '' } } end
lineWrite('n', all)
lineWrite('r', ready)
call('HSET', Q .. 'q', 'number', number, 'place', place, '2', queued + #created)
return { table.concat(outcomes), { tell(true, created, {}) } }
