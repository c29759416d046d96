-- Puts whole tasks into a reply. Heads: unique Bc0, head, which fields follow I2 (a bit each, in the order of FIELDS), where
-- the spec is B: 0, the next value; 2, at the front of the next value, which is shared; 1, in the shared value, behind the last.
-- Values lie in an array beside the heads: Redis' Lua hashes every byte of every string that a script makes, so they pass as they
-- came.
--@include task
local FIELDS = { 'h', 'd', 'g', 'z', 'o', 'p', 'u', 'e', 'r' }
--@constant WORKER_BIT 512
--@constant OWN_VALUE '\0'
--@constant SHARED '\1'
--@constant NEW_SHARED '\2'
--@constant NO_FIELDS '\0\0'
--@state parts, values, bytes = {}, {}, 0

local function addValue(value)
  values[#values + 1] = value
  bytes = bytes + #value
end

local function addHead(T, head, where, withWorker)
  local mask, place = 0, 1
  for i = 1, #FIELDS do
    if has(T, BITS[FIELDS[i]]) then mask = mask + place end
    place = place * 2
  end
  if withWorker and T[WORKER] > 0 then mask = mask + WORKER_BIT end
  parts[#parts + 1] = char(#T.uniq) .. T.uniq .. head .. pack('>I2', mask) .. where
  return mask
end

local function addFields(T, mask)
  if mask == 0 then return end
  for i = 1, #FIELDS do
    if has(T, BITS[FIELDS[i]]) then addValue(get(T, FIELDS[i])) end
  end
  if mask >= WORKER_BIT then addValue(workerName(T[WORKER])) end
end

local function specOf(T)
  if has(T, BITS.s) then return call('HGET', Q .. 's', T.uniq) end
  if T[LENGTH] == 0 then return '' end
  return call('GETRANGE', Q .. 'S:' .. text(T[CHUNK]), T[OFFSET], T[OFFSET] + T[LENGTH] - 1)
end

-- A task as it is stored.
local function addTask(T)
  local mask = addHead(T, pack(HEAD, unpack(T, 1, HEAD_FIELDS)), OWN_VALUE, true)
  addValue(specOf(T))
  addFields(T, mask)
end
