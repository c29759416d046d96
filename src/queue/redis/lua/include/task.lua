-- Tasks as arrays of their fields, out of a row or a head, and their logs. The log of a task that is leased once and succeeds is
-- known from these fields; else its entries from the second on lie packed in the field l, and once they outgrow that, or have to
-- be trimmed, all of them in a list.
--@include chunk
--@constant LOG_FIELD_BYTES 512
--@state loaded, raw = {}, {}

local function taskOf(uniq, head)
  local T = { parse(HEAD, head) }
  T.uniq = uniq
  loaded[uniq] = T
  return T
end

-- The timeouts of a kind as those of one task: of one that runs they have its lease's length, and its last sign of life.
local function timeoutsOfRow(packed, state, run, started)
  if state ~= RUNNING then return packed end
  local leases = call('HGET', Q .. 'i', text(run))
  return sub(packed, 1, 18) .. (leases and sub(leases, 3, 8) or sub(packed, 19, 24)) .. pack('>I6', started)
end

-- A task that lives in its row, with what a head of its own would come with.
local function taskOfRow(C, slot, uniq)
  local state, run, worker, started, at, output = parse(ROW, rowAt(C, slot))
  local kind, sets, flags = kindOf(C, slot), {}, 0
  if #kind.lane > 1 then sets.g, flags = kind.lane, flags + BITS.g end
  if kind.header ~= '' then sets.h, flags = kind.header, flags + BITS.h end
  if kind.timeouts ~= '' then sets.z, flags = timeoutsOfRow(kind.timeouts, state, run, started), flags + BITS.z end
  if C.width > 0 and call('HEXISTS', Q .. 'f', uniq) == 1 then flags = flags + BITS.f end
  if state == SUCCEEDED and output ~= NO_OUTPUT then
    sets.o, flags = outputOf(call('HGET', Q .. 'U:' .. C.name, output), slot - output), flags + BITS.o
  end
  local attempt, last, due, finished = 1, 2, 0, 0
  if state == 0 then
    state, attempt, last = QUEUED, 0, 1
  elseif state == RUNNING then
    due = at
  else
    last, finished = 3, at
  end
  local T = {
    state, kind.priority, QUEUED, flags, attempt, 1, 0, C.fence + attempt, last, run, finished, due, worker, started,
    C.number, slot, C.created, C.created,
  }
  T.uniq, T.C, T.sets = uniq, C, sets
  loaded[uniq] = T
  return T
end

-- Reads several heads at once; they are parsed when they are asked for.
local function loadAll(names)
  if not names[1] then return end
  local found = call('HMGET', Q .. 't', unpack(names))
  for i = 1, #names do raw[names[i]] = found[i] or nil end
end

-- The names that the input consists of, Bc0 each, their heads read.
local function readInputNames()
  local names, at = {}, 1
  while at <= #INPUT do names[#names + 1], at = parse('>Bc0', INPUT, at) end
  loadAll(names)
  return names
end

-- The chunk and the slot of a task that lives in its row, or its head, or neither.
local function placeOf(uniq) return placeBy(uniq, raw[uniq] or call('HGET', Q .. 't', uniq)) end

local function load(uniq)
  local T = loaded[uniq]
  if T then return T end
  local C, found = placeOf(uniq)
  if not C then return found and taskOf(uniq, found) end
  if byte(rowAt(C, found)) < MOVED then return taskOfRow(C, found, uniq) end
end

-- The task in a slot, as far as it is there.
local function loadSlot(C, slot)
  local row = byte(rowAt(C, slot))
  if row == GONE then return end
  local uniq = uniqOf(C, slot)
  if row == MOVED then return load(uniq) end
  return loaded[uniq] or taskOfRow(C, slot, uniq)
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

-- The entries that the fields stand for.
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
