-- Changes a task's fields and its log, and writes them. A short log lies in the field l of the task's hash, from entry 2 on;
-- entry 1 is known from the task. One that outgrows the field, or has to be trimmed, moves to a list of its own.
--@include task
--@include entries
--@include commit
local LOG_FIELD_BYTES = 512

local function set(T, field, value)
  local sets = T.sets
  local n = #sets
  sets[n + 1] = field
  sets[n + 2] = value
end

local function drop(T, field)
  T.drops = T.drops or {}
  T.drops[#T.drops + 1] = field
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

-- Every move between states goes through here: its count, its log entry and its signal. The index is the mover's.
local function move(T, state, reason, worker)
  count(T[STATE], -1)
  count(state, 1)
  T[STATE] = state
  log(T, changeEntry(NOW, state, T[ATTEMPT], worker or '', reason))
  changed[#changed + 1] = T.uniq
end
