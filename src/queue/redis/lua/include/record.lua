-- Puts whole tasks into a reply. Heads: unique Bc0, head, which fields follow I2 (a bit each, in the order of FIELDS). Values, the
-- spec first, lie in an array beside the heads: Redis' Lua hashes every byte of every string that a script makes, so they pass
-- as they came.
--@include task
local FIELDS = { 'h', 'd', 'g', 'z', 'o', 'p', 'u', 'e', 'r' }
--@constant WORKER_BIT 512
--@state parts, values, bytes = {}, {}, 0

local function addValue(value)
  values[#values + 1] = value
  bytes = bytes + #value
end

local function addHead(T, head, withWorker)
  local mask, place = 0, 1
  for i = 1, #FIELDS do
    if has(T, BITS[FIELDS[i]]) then mask = mask + place end
    place = place * 2
  end
  if withWorker and T[WORKER] > 0 then mask = mask + WORKER_BIT end
  parts[#parts + 1] = char(#T.uniq) .. T.uniq .. head .. pack('>I2', mask)
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
  return specAt(chunkOf(T[CHUNK]), T[SLOT])
end

-- A task as it is stored.
local function addTask(T)
  local mask = addHead(T, pack(HEAD, unpack(T, 1, HEAD_FIELDS)), true)
  addValue(specOf(T))
  addFields(T, mask)
end
