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

-- Deletes from the run of ends at the front of F as many as may go; answers how many, and whether the run is through.
local function purgeRun(entry, kept, most)
  local run, ended = parse('>I6I6', entry)
  local names, purged, left = {}, 0, nil
  for uniq in string.gmatch(sub(entry, 13), '[^,]+') do append(names, uniq) end
  loadAll(names)
  for i = 1, #names do
    local T = load(names[i])
    -- Else it was retried since, or deleted already.
    if T and T[STATE] >= SUCCEEDED and T[STATE] ~= MISSING and T[PLACE] == run then
      if purged == most or (kept - purged <= keptMax and ended + retentionMs > NOW) then
        left = i
        break
      end
      purge(T)
      purged = purged + 1
    end
  end
  if not left then
    call('LPOP', Q .. 'F')
  elseif purged > 0 then
    call('LSET', Q .. 'F', 0, sub(entry, 1, 12) .. table.concat(names, ',', left))
  end
  return purged, not left
end

local function purgeOld()
  local kept, purged = 0, 0
  for _, n in ipairs(call('HMGET', Q .. 'q', '5', '6', '7')) do kept = kept + (tonumber(n) or 0) end
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
    local live = false
    for uniq in string.gmatch(call('GET', Q .. 'E:' .. run) or '', '[^,]+') do
      local T = load(uniq)
      if T and T[STATE] == RUNNING and T[PLACE] == tonumber(run) then
        live = true
        if #listed < batch then
          local header, z = get(T, 'h') or '', get(T, 'z') or ''
          append(listed, pack('>Bc0I4I2I6I4c0Bc0', #uniq, uniq, T[FENCE], T[ATTEMPT], T[STARTED], #header, header, #z, z))
        end
      end
    end
    if not live then
      call('ZREM', Q .. 'E', run)
      call('DEL', Q .. 'E:' .. run)
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
