#!lua flags=allow-oom
-- Queues what is due, fails what was not started in time, deletes what is past its retention, and lists what the caller has to
-- decide on or deliver.
-- ARGV[3]  retention in milliseconds
-- ARGV[4]  final tasks that the queue may keep
-- ARGV[5]  items of each kind in one call
-- ARGV[6]  the failure of a task that was not started in time
-- ARGV[7]  its reason, for the log
-- Reply: now I6 and expired leases (unique Bc0, fence I4, attempt I2, started I6, header I4c0, timeouts Bc0), outbox entries, promoted,
-- purged, not started, milliseconds until the next scheduled task, lease or timeout is due (-1: none), the signal
--@include purge
--@state retentionMs, keptMax, batch = tonumber(args[3]), tonumber(args[4]), tonumber(args[5])

local function promote()
  local due = call('ZRANGEBYSCORE', Q .. 'S', '-inf', NOW, 'LIMIT', 0, batch)
  loadAll(due)
  for _, uniq in ipairs(due) do
    local T = load(uniq)
    leave(T)
    queue(T, false, '')
    save(T)
  end
  return #due
end

local function failLate()
  local late = call('ZRANGEBYSCORE', Q .. 'D', '-inf', NOW, 'LIMIT', 0, batch)
  loadAll(late)
  for _, uniq in ipairs(late) do
    local T = load(uniq)
    leave(T)
    set(T, 'e', ARGV[6])
    finalize(T, FAILED, ARGV[7])
    save(T)
  end
  return #late
end

-- Whether a task that has a head is where `run` mentions it, in `state`, or in a final one.
local function isOf(T, run, state)
  local is = T and T[STATE]
  return is and T[PLACE] == run and (is == state or state == SUCCEEDED and is > SUCCEEDED and is ~= MISSING)
end

-- Calls `each` with the tasks of a list that still are where `run` mentions them: with the chunk and slot of one that lives in its
-- row, else with the task; until it answers false. Answers whether it went through, and otherwise what is left of the list.
local function eachOf(list, run, state, each)
  for i = 1, #list do
    local piece = list[i]
    local C = piece.number and chunkOf(piece.number)
    while C and piece.n > 0 do
      local row = rowAt(C, piece.slot)
      if byte(row) == state and parse('>I6', row, 2) == run then
        if not each(C, piece.slot) then return false, i end
      elseif byte(row) == MOVED then
        local T = loadSlot(C, piece.slot)
        if isOf(T, run, state) and not each(nil, nil, T) then return false, i end
      end
      piece.slot, piece.n = piece.slot + 1, piece.n - 1
    end
    if not piece.number then
      local T = load(piece)
      if isOf(T, run, state) and not each(nil, nil, T) then return false, i end
    end
  end
  return true
end

-- Deletes from the run of ends at the front of F as many as may go; answers how many, and whether the run is through.
local function purgeRun(entry, kept, most)
  local run, ended, at = parse('>I6I6', entry)
  local list, purged = unpackPieces(entry, at), 0
  local names = {}
  for i = 1, #list do
    if not list[i].number then append(names, list[i]) end
  end
  loadAll(names)
  local through, left = eachOf(list, run, SUCCEEDED, function(C, slot, T)
    if purged == most or (kept - purged <= keptMax and ended + retentionMs > NOW) then return false end
    if C then purgeRow(C, slot, rowAt(C, slot)) else purge(T) end
    purged = purged + 1
    return true
  end)
  if through then
    call('LPOP', Q .. 'F')
  elseif purged > 0 then
    call('LSET', Q .. 'F', 0, sub(entry, 1, 12) .. packPieces({ unpack(list, left) }))
  end
  return purged, through
end

local function purgeOld()
  local kept, purged = valueOf('5') + valueOf('6') + valueOf('7'), 0
  while purged < batch do
    local entry = call('LINDEX', Q .. 'F', 0)
    if not entry then break end
    local n, through = purgeRun(entry, kept - purged, batch - purged)
    purged = purged + n
    if not through then break end
  end
  return purged
end

local function listExpired()
  local listed = {}
  for _, run in ipairs(call('ZRANGEBYSCORE', Q .. 'E', '-inf', NOW, 'LIMIT', 0, batch)) do
    local list, live = unpackPieces(call('HGET', Q .. 'i', run) or '', 3), false
    eachOf(list, tonumber(run), RUNNING, function(C, slot, T)
      live = true
      if #listed == batch then return false end
      T = T or loadSlot(C, slot)
      local header, z = get(T, 'h') or '', get(T, 'z') or ''
      append(listed, pack('>Bc0I4I2I6I4c0Bc0', #T.uniq, T.uniq, T[FENCE], T[ATTEMPT], T[STARTED], #header, header, #z, z))
      return true
    end)
    if not live then
      call('ZREM', Q .. 'E', run)
      call('HDEL', Q .. 'i', run)
    end
  end
  return pack('>I6', NOW) .. table.concat(listed)
end

local function untilDue()
  local soonest = -1
  for _, key in ipairs({ 'S', 'E', 'D' }) do
    local due = tonumber(call('ZRANGEBYSCORE', Q .. key, '(' .. NOW, '+inf', 'WITHSCORES', 'LIMIT', 0, 1)[2])
    if due and (soonest < 0 or due - NOW < soonest) then soonest = due - NOW end
  end
  return soonest
end

-- Buckets of keys that are full again say no more than none; a few are looked at each time.
local function dropFullBuckets()
  if call('EXISTS', Q .. 'k') == 0 then return end
  local some = call('HRANDFIELD', Q .. 'k', batch, 'WITHVALUES')
  for i = 1, #some, 2 do
    if tonumber(some[i + 1]) <= NOW then call('HDEL', Q .. 'k', some[i]) end
  end
end

--@main
dropFullBuckets()
local promoted, late, purged = promote(), failLate(), purgeOld()
writePurged()
local expired = listExpired()
local signal = commit()
local told = signal[1]
return { expired, call('ZRANGE', Q .. 'O', 0, batch - 1), promoted, purged, late, untilDue(), told }
