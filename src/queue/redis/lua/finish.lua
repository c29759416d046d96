#!lua flags=allow-oom
-- Ends attempts, under the lease's fence. Goes on when memory is full, so that what runs can end.
-- ARGV[3]  items: 0 B, then chunk I5, stamp c13, slot B, tasks B, outputs I4c0 as they will lie in U, '' for none; or
--          unique Bc0, fence I4, kind B (plus 128 where tokens d and dollars d follow), then
--          0 succeeded: output I4c0
--          1 failed: again B, delay I6, failure I4c0, reason I4c0 (what follows was decided by task.ts)
--          2 released: reason I4c0
--          3 suspended: resume state I4c0, parents I4c0, pending parents I4 × (id I4c0, condition c1)
-- outcomes, for each task: accepted B, state B (255 missing), repeated B
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

-- Ends tasks that run in rows that are alike, neighbours from a slot on: most ends are theirs. Their outputs are packed as they
-- will lie, '' where none has any.
--@state succeeded = 0
local function succeedRows(C, slot, n, row, outputs)
  local _, run, worker, started = parse(ROW, row)
  local becomes = pack(ROW, SUCCEEDED, runOfEnds(), worker, started, NOW, outputs == '' and NO_OUTPUT or slot)
  setRows(C, slot, n, becomes)
  if band(C.has, HAS_KEYS) ~= 0 then
    for at = slot, slot + n - 1 do
      local _, key = laneParts(kindOf(C, at).lane)
      keyRuns(key, -1)
    end
  end
  if outputs ~= '' then call('HSET', Q .. 'U:' .. C.name, slot, outputs) end
  unleased[run] = (unleased[run] or 0) + n
  succeeded, ends = succeeded + n, ends + n
  addSlots(finals, C, slot, n)
  addSlots(changed, C, slot, n)
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

-- Ends an attempt, and answers with its outcome.
local function finish(uniq, fence, kind, result, used)
  if kind == 0 and not used and not loaded[uniq] then
    local C, slot = placeOf(uniq)
    local row = C and rowAt(C, slot)
    if row and byte(row) == RUNNING and fence == C.fence + 1 then
      succeedRows(C, slot, 1, row, result == '' and '' or packOutput(result))
      return '\1\5\0'
    end
  end
  local T = load(uniq)
  local held = T and T[FENCE] == fence
  local accepted = held and T[STATE] == RUNNING
  local repeated = held and (kind == 0 and T[STATE] == SUCCEEDED or kind == 1 and T[STATE] == FAILED)
  if accepted then
    leave(T)
    if used then addUsage(T, used.tokens, used.usd) end
    apply(T, kind, result)
    save(T)
  end
  return char((accepted or repeated) and 1 or 0, T and T[STATE] or MISSING, repeated and 1 or 0)
end

-- Ends neighbours whose ids are made, or look so, all of which succeeded at the first attempt.
local function finishSlots(number, stamp, slot, n, outputs)
  local C = chunkOf(number)
  local isTheirs = C and C.width == 0 and C.stamp == stamp and slot + n <= C.n
  -- What was loaded for an item before is not looked at again here.
  if isTheirs and not next(loaded) and alike(C, slot, n) == n and byte(rowAt(C, slot)) == RUNNING then
    succeedRows(C, slot, n, rowAt(C, slot), outputs)
    return string.rep('\1\5\0', n)
  end
  local outcomes = {}
  for nth = 0, n - 1 do
    local uniq = stamp .. format('%02d', slot + nth) .. text(number)
    outcomes[nth + 1] = finish(uniq, 1, 0, outputs == '' and '' or outputOf(outputs, nth))
  end
  return table.concat(outcomes)
end

--@main
local at, outcomes = 1, {}
while at <= #INPUT do
  local first
  first, at = parse('B', INPUT, at)
  if first == 0 then
    local number, stamp, slot, n, outputs
    number, stamp, slot, n, outputs, at = parse('>I5c13BBI4c0', INPUT, at)
    append(outcomes, finishSlots(number, stamp, slot, n, outputs))
  else
    local uniq, fence, kind, used, result
    uniq, at = sub(INPUT, at, at + first - 1), at + first
    fence, kind, at = parse('>I4B', INPUT, at)
    if kind >= WITH_USAGE then
      kind, used = kind - WITH_USAGE, {}
      used.tokens, used.usd, at = parse('>dd', INPUT, at)
    end
    result, at = readResult(kind, at)
    append(outcomes, finish(uniq, fence, kind, result, used))
  end
end
if succeeded > 0 then
  count(RUNNING, -succeeded)
  count(SUCCEEDED, succeeded)
  if valueOf('capped') == 1 then ready = true end
end
return { table.concat(outcomes), commit() }
