#!lua flags=allow-oom
-- Prolongs what lives. It may run when memory is full: it takes no more than was there.
-- ARGV[2]  and on: for each its id, state and load as JSON; what is empty stays as it was
-- Reply: a character a heartbeat: 1, or 0 where the instance is not known
local isNews = lapse()
local outcomes = {}
for at = 2, #ARGV, 3 do
  local id, state, load = ARGV[at], ARGV[at + 1], ARGV[at + 2]
  local before = call('HGET', R .. 'b', id)
  -- More may have run out than one call forgets.
  local untilMs = tonumber(call('ZSCORE', R .. 'x', id) or 0)
  if before and untilMs > NOW then
    local role, stateBefore, ttl, loadBefore = string.match(before, '^(%S+) (%S+) (%S+) %S+ (.*)$')
    if state == '' then state = stateBefore end
    if load == '' then load = loadBefore end
    isNews = isNews or state ~= stateBefore
    call('ZADD', R .. 'x', text(NOW + tonumber(ttl)), id)
    call('HSET', R .. 'b', id, table.concat({ role, state, ttl, text(NOW), load }, ' '))
    outcomes[#outcomes + 1] = '1'
  else
    outcomes[#outcomes + 1] = '0'
  end
end
if isNews then tell() end
return table.concat(outcomes)
