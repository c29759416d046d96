#!lua flags=allow-oom
-- Ends attempts, under the lease's fence. Goes on when memory is full, so that what runs can end.
-- ARGV[3]  items: unique Bc0, fence I4, kind B (plus 128 where tokens d and dollars d follow), then
--          0 succeeded: output I4c0
--          1 failed: again B, delay I6, failure I4c0, reason I4c0 (what follows was decided by task.ts)
--          2 released: reason I4c0
--          3 suspended: resume state I4c0, parents I4c0, pending parents I4 × (id I4c0, condition c1)
-- outcomes: accepted B, state B (255 missing), repeated B
--@include moves
--@include usage
--@constant WITH_USAGE 128
-- What follows the kind, read whether the item is accepted or not; and the next position.
local function readResult(kind, at)
  if kind == 0 then return parse('>I4c0', INPUT, at) end
  local result, n = {}, 0
  if kind == 1 then
    result.again, result.delay, result.failure, result.reason, at = parse('>BI6I4c0I4c0', INPUT, at)
  elseif kind == 2 then
    result.reason, at = parse('>I4c0', INPUT, at)
  else
    result.resume, result.named, n, at = parse('>I4c0I4c0I4', INPUT, at)
    result.parents, at = parseParents(n, at)
  end
  return result, at
end

local function suspend(T, result)
  set(T, 'r', result.resume)
  T[ATTEMPT] = T[ATTEMPT] - 1
  T[DUE] = 0
  if result.named ~= '' then set(T, 'd', (get(T, 'd') or '') .. result.named) end
  if result.parents[1] then
    blockOn(T, result.parents)
    move(T, BLOCKED, 'suspended')
  else
    queue(T, false, 'suspended')
  end
end

-- The fronts of heads, up to the place, of tasks that have nothing but a head and run, and what they become: most ends are
-- theirs, and made without parsing the rest.
--@state succeeded, ends, unleasedRuns = 0, {}, {}

local function endOf(front)
  local state, priority, first, flags, attempt, generation, pending, fence, last = parse('>BBBI3I2I2I2I4I4', front)
  local plain = state == RUNNING and flags == 0 and last == 2 and { fence = fence } or false
  if plain then
    local function becomes(flagged)
      local now = pack('>BBBI3I2I2I2I4I4', SUCCEEDED, priority, first, flagged, attempt, generation, pending, fence, 3)
      return now .. pack('>I6I6I6', runOfEnds(), NOW, 0)
    end
    plain.empty, plain.full = becomes(0), becomes(BITS.o)
  end
  ends[front] = plain
  return plain
end

-- False where the task is not of this kind.
local function succeedPlain(uniq, fence, output)
  local head = not loaded[uniq] and raw[uniq]
  if not head then return false end
  local front = sub(head, 1, 20)
  local plain = ends[front]
  if plain == nil then plain = endOf(front) end
  if not plain or plain.fence ~= fence then return false end
  local run = sub(head, 21, 26)
  unleasedRuns[run] = (unleasedRuns[run] or 0) + 1
  head = (output == '' and plain.empty or plain.full) .. sub(head, 39)
  raw[uniq] = head
  local n = #heads
  heads[n + 1], heads[n + 2] = uniq, head
  if output ~= '' then gather(puts, 'o', uniq, output) end
  finals[#finals + 1] = uniq
  changed[#changed + 1] = uniq
  succeeded = succeeded + 1
  return true
end

local function apply(T, kind, result)
  if kind == 0 then
    if result ~= '' then set(T, 'o', result) end
    drop(T, 'e')
    finalize(T, SUCCEEDED, '')
  elseif kind == 1 then
    fail(T, result.again == 1, result.delay, result.failure, result.reason)
  elseif kind == 2 then
    T[ATTEMPT] = T[ATTEMPT] - 1
    queue(T, true, result.reason)
  else
    suspend(T, result)
  end
end

--@main
readNumbers({ '3', '5', 'ended', 'over', 'capped' })
local uniqs, fences, kinds, results, used, at, outcomes = {}, {}, {}, {}, {}, 1, {}
while at <= #INPUT do
  local i, kind = #uniqs + 1, nil
  uniqs[i], fences[i], kind, at = parse('>Bc0I4B', INPUT, at)
  if kind >= WITH_USAGE then
    kind = kind - WITH_USAGE
    local usage = {}
    usage.tokens, usage.usd, at = parse('>dd', INPUT, at)
    used[i] = usage
  end
  kinds[i] = kind
  results[i], at = readResult(kind, at)
end
loadAll(uniqs)
for i = 1, #uniqs do
  local uniq, kind = uniqs[i], kinds[i]
  if kind == 0 and not used[i] and succeedPlain(uniq, fences[i], results[i]) then
    outcomes[i] = '\1\5\0'
  else
    local T = load(uniq)
    local held = T and T[FENCE] == fences[i]
    local accepted = held and T[STATE] == RUNNING
    local repeated = held and (kind == 0 and T[STATE] == SUCCEEDED or kind == 1 and T[STATE] == FAILED)
    if accepted then
      leave(T)
      if used[i] then addUsage(T, used[i].tokens, used[i].usd) end
      apply(T, kind, results[i])
      save(T)
    end
    outcomes[i] = char((accepted or repeated) and 1 or 0, T and T[STATE] or MISSING, repeated and 1 or 0)
  end
end
if succeeded > 0 then
  for run, by in pairs(unleasedRuns) do
    local name = parse('>I6', run)
    unleased[name] = (unleased[name] or 0) + by
  end
  count(RUNNING, -succeeded)
  count(SUCCEEDED, succeeded)
  if valueOf('capped') == 1 then ready = true end
end
return { table.concat(outcomes), commit() }
