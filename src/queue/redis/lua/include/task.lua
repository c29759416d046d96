-- A task's record.
--@include base
local function taskOf(uniq, small, log)
  return { uniq = uniq, key = Q .. 't:' .. uniq, log = log or '', sets = {}, drops = false, fresh = false, parse(SMALL, small) }
end

local function load(uniq)
  local got = call('HMGET', Q .. 't:' .. uniq, 'm', 'l')
  return got[1] and taskOf(uniq, got[1], got[2])
end
