-- Packs whole tasks for a reply: unique Bc0, then the fields m h s d w o p u e r, I4c0 each, where the length 2^32-1 says
-- that there is none.
local RECORD_FIELDS = 10
local NONE = pack('>I4', 4294967295)
local parts, bytes = {}, 0

-- The record's fields, and the log's field beside them.
local function readTask(uniq)
  local got = call('HMGET', Q .. 't:' .. uniq, 'm', 'h', 's', 'd', 'w', 'o', 'p', 'u', 'e', 'r', 'l')
  return got, got[RECORD_FIELDS + 1]
end

local function addTask(uniq, got)
  local n = #parts + 1
  parts[n] = pack('>Bc0', #uniq, uniq)
  for i = 1, RECORD_FIELDS do
    local value = got[i]
    if value then
      parts[n + 1] = pack('>I4', #value)
      parts[n + 2] = value
      n = n + 2
      bytes = bytes + #value
    else
      n = n + 1
      parts[n] = NONE
    end
  end
end
