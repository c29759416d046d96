#!lua
-- Takes instances in, each in the place of one of its id.
-- ARGV[2]  how many instances may live at once
-- ARGV[3]  and on: for each its id, role, state, milliseconds to live, spec as JSON, load as JSON
-- Reply: a character an instance: 1, or 0 where there is no room
lapse()
call('SET', R .. 'e', clock[1] .. '.' .. clock[2], 'NX')
local outcomes = {}
for at = 3, #ARGV, 6 do
  local id, role, state, ttl, spec, load = unpack(ARGV, at, at + 5)
  local fits = call('ZSCORE', R .. 'x', id) or call('ZCARD', R .. 'x') < tonumber(ARGV[2])
  if fits then
    call('ZADD', R .. 'x', text(NOW + tonumber(ttl)), id)
    call('HSET', R .. 'i', id, spec)
    call('HSET', R .. 'b', id, table.concat({ role, state, ttl, text(NOW), load }, ' '))
  end
  outcomes[#outcomes + 1] = fits and '1' or '0'
end
tell()
return table.concat(outcomes)
