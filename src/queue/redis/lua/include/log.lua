-- A task's log. A short one lies in the field l of the task's hash, from entry 2 on; entry 1 is known from the task. One
-- that outgrows the field, or has to be trimmed, moves to a list of its own.
local LOG_FIELD_BYTES = 512

local function changeEntry(time, state, attempt, worker, reason)
  return pack('>BI6BI2I2c0', 1, time, state, attempt, #worker, worker) .. reason
end

local function log(T, entry)
  T[LAST] = T[LAST] + 1
  local fresh = T.fresh
  if fresh then
    fresh[#fresh + 1] = entry
  else
    T.fresh = { entry }
  end
end

local function logEntries(T)
  local entries, at = { changeEntry(T[CREATED], T[FIRST_STATE], 0, '', '') }, 1
  while at <= #T.log do entries[#entries + 1], at = parse('>I4c0', T.log, at) end
  return entries
end

local function logWrite(T)
  local entries = T.fresh
  if band(T[FLAGS], HAS_LOG_LIST) == 0 then
    local text = T.log
    for i = 1, #entries do
      if #text > LOG_FIELD_BYTES then break end
      text = text .. pack('>I4c0', #entries[i], entries[i])
    end
    if #text <= LOG_FIELD_BYTES and T[LAST] <= LOG_MAX then return set(T, 'l', text) end
    T[FLAGS] = bor(T[FLAGS], HAS_LOG_LIST)
    if T.log ~= '' then drop(T, 'l') end
    callMany('RPUSH', Q .. 'l:' .. T.uniq, logEntries(T))
  end
  callMany('RPUSH', Q .. 'l:' .. T.uniq, entries)
  call('LTRIM', Q .. 'l:' .. T.uniq, -LOG_MAX, -1)
end

local function save(T)
  if T.fresh then logWrite(T) end
  local small = pack(SMALL, unpack(T, 1, SMALL_FIELDS))
  call('HSET', T.key, 'm', small, unpack(T.sets))
  if T.drops then call('HDEL', T.key, unpack(T.drops)) end
  return small
end
