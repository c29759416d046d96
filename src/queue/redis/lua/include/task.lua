-- Tasks' heads, and their logs. The log of a task that is leased once and succeeds is known from its head; else its entries
-- from the second on lie packed in the field l, and once they outgrow that, or have to be trimmed, all of them in a list.
--@include base
--@constant LOG_FIELD_BYTES 512
--@state loaded, raw = {}, {}

local function taskOf(uniq, head)
  local T = { parse(HEAD, head) }
  T.uniq = uniq
  loaded[uniq] = T
  return T
end

-- Reads several heads at once; they are parsed when they are asked for.
local function loadAll(names)
  if not names[1] then return end
  local found = call('HMGET', Q .. 't', unpack(names))
  for i = 1, #names do raw[names[i]] = found[i] or nil end
end

local function load(uniq)
  local T = loaded[uniq]
  if T then return T end
  local head = raw[uniq] or call('HGET', Q .. 't', uniq)
  return head and taskOf(uniq, head)
end

local function get(T, field)
  if not has(T, BITS[field]) then return end
  if T.sets and T.sets[field] then return T.sets[field] end
  return call('HGET', Q .. field, T.uniq)
end

local function laneNameOf(T) return get(T, 'g') or char(48 + T[PRIORITY]) end

local function workerName(number) return number > 0 and call('HGET', Q .. 'W', text(number)) or '' end

local function changeEntry(time, state, attempt, worker, reason)
  return pack('>BI6BI2I2c0', 1, time, state, attempt, #worker, worker) .. reason
end

-- The entries that the head stands for.
local function plainEntries(T)
  local entries = { changeEntry(T[CREATED], T[FIRST_STATE], 0, '', '') }
  if T[LAST] > 1 then entries[2] = changeEntry(T[STARTED], RUNNING, 1, workerName(T[WORKER]), '') end
  if T[LAST] > 2 then entries[3] = changeEntry(T[FINISHED], SUCCEEDED, 1, '', '') end
  return entries
end

-- All entries of a log that is not in a list.
local function logEntries(T)
  local packed = get(T, 'l')
  if not packed then return plainEntries(T) end
  local entries, at = { changeEntry(T[CREATED], T[FIRST_STATE], 0, '', '') }, 1
  while at <= #packed do entries[#entries + 1], at = parse('>I4c0', packed, at) end
  return entries
end
