#!lua flags=no-writes
-- Those that live now.
-- ARGV[2]  a role, or '' for all
-- Reply: {now, the epoch or '', {spec, heartbeat, …}}
local rows = {}
local living = call('ZRANGEBYSCORE', R .. 'x', '(' .. text(NOW), '+inf')
-- In pieces, since Lua has room for some thousands of arguments.
for from = 1, #living, 1000 do
  local ids = { unpack(living, from, math.min(from + 999, #living)) }
  local specs = call('HMGET', R .. 'i', unpack(ids))
  local beats = call('HMGET', R .. 'b', unpack(ids))
  for at = 1, #ids do
    local role = string.match(beats[at] or '', '^%S+')
    if role and (ARGV[2] == '' or role == ARGV[2]) then
      rows[#rows + 1] = specs[at]
      rows[#rows + 1] = beats[at]
    end
  end
end
return { text(NOW), call('GET', R .. 'e') or '', rows }
