-- Puts whole tasks into a reply: a packed head of each, unique Bc0, which fields follow I2 (a bit each, in the order
-- m h s d w o p u e r), m Bc0; and in an array beside the heads the other fields. Redis' Lua hashes every byte of every
-- string that a script makes, so large values pass as they came.
local RECORD_FIELDS = 10
local parts, values, bytes = {}, {}, 0

-- The record's fields, and the log's field beside them.
local function readTask(uniq)
  local got = call('HMGET', Q .. 't:' .. uniq, 'm', 'h', 's', 'd', 'w', 'o', 'p', 'u', 'e', 'r', 'l')
  return got, got[RECORD_FIELDS + 1]
end

local function addTask(uniq, got)
  local n, mask, place = #values, 1, 2
  for i = 2, RECORD_FIELDS do
    local value = got[i]
    if value then
      n = n + 1
      values[n] = value
      bytes = bytes + #value
      mask = mask + place
    end
    place = place * 2
  end
  parts[#parts + 1] = pack('>Bc0I2Bc0', #uniq, uniq, mask, #got[1], got[1])
end
