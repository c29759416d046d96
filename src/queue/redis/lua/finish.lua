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

-- A task that has nothing but its head: the end of most.
local succeeded = 0
local function succeedPlain(T, output)
  unlease(T)
  T[STATE], T[LAST], T[FINISHED] = SUCCEEDED, 3, NOW
  succeeded = succeeded + 1
  finals[#finals + 1] = T
  changed[#changed + 1] = T.uniq
  if output ~= '' then set(T, 'o', output) end
  if valueOf('capped') == 1 then ready = true end
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
  local kind, T = kinds[i], load(uniqs[i])
  local held = T and T[FENCE] == fences[i]
  local accepted = held and T[STATE] == RUNNING
  local repeated = held and (kind == 0 and T[STATE] == SUCCEEDED or kind == 1 and T[STATE] == FAILED)
  if accepted and kind == 0 and T[FLAGS] == 0 and T[LAST] == 2 and not used[i] then
    succeedPlain(T, results[i])
    save(T)
  elseif accepted then
    leave(T)
    if used[i] then addUsage(T, used[i].tokens, used[i].usd) end
    apply(T, kind, results[i])
    save(T)
  end
  outcomes[i] = char((accepted or repeated) and 1 or 0, T and T[STATE] or MISSING, repeated and 1 or 0)
end
if succeeded > 0 then
  count(RUNNING, -succeeded)
  count(SUCCEEDED, succeeded)
end
return { table.concat(outcomes), commit() }
