-- Packs whole tasks for a reply: unique Bc0, which fields follow I2 (a bit each, in the order m h s d w o p u e r), and those
-- fields, I4c0 each.
local RECORD_FIELDS = 10
local parts, bytes = {}, 0

-- The record's fields, and the log's field beside them.
local function readTask(uniq)
  local got = call('HMGET', Q .. 't:' .. uniq, 'm', 'h', 's', 'd', 'w', 'o', 'p', 'u', 'e', 'r', 'l')
  return got, got[RECORD_FIELDS + 1]
end

local function addTask(uniq, got)
  local first = #parts + 1
  local n, mask, bit = first, 0, 1
  for i = 1, RECORD_FIELDS do
    local value = got[i]
    if value then
      n = n + 1
      parts[n] = pack('>I4c0', #value, value)
      bytes = bytes + #value
      mask = mask + bit
    end
    bit = bit * 2
  end
  parts[first] = pack('>Bc0I2', #uniq, uniq, mask)
end
