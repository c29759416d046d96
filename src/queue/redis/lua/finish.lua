#!lua flags=allow-oom
-- Ends attempts, under the lease's fence. Goes on when memory is full, so that what runs can end.
-- ARGV[3]  items: unique Bc0, fence I4, tokens d, dollars d, kind B, then
--          0 succeeded: output I4c0
--          1 failed: again B, delay I6, failure I4c0, reason I4c0 (what follows was decided by task.ts)
--          2 released: reason I4c0
--          3 suspended: resume state I4c0, parents I4c0, pending parents I4 × (id I4c0, condition c1)
-- outcomes: accepted B, state B (255 missing), repeated B
--@include moves
--@include usage
-- What follows the kind, read whether the item is accepted or not; and the next position.
local function readResult(kind, at)
  local result, n = {}, 0
  if kind == 0 then
    result.output, at = parse('>I4c0', INPUT, at)
  elseif kind == 1 then
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

local function apply(T, kind, result)
  if kind == 0 then
    if result.output ~= '' then set(T, 'o', result.output) end
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
local names, items, at, outcomes = {}, {}, 1, {}
while at <= #INPUT do
  local item = {}
  item.uniq, item.fence, item.tokens, item.usd, item.kind, at = parse('>Bc0I4ddB', INPUT, at)
  item.result, at = readResult(item.kind, at)
  append(items, item)
  append(names, item.uniq)
end
loadAll(names)
for i = 1, #items do
  local item = items[i]
  local uniq, fence, kind = item.uniq, item.fence, item.kind
  local T = load(uniq)
  local held = T and T[FENCE] == fence
  local accepted = held and T[STATE] == RUNNING
  local repeated = held and (kind == 0 and T[STATE] == SUCCEEDED or kind == 1 and T[STATE] == FAILED)
  if accepted then
    leave(T)
    addUsage(T, item.tokens, item.usd)
    apply(T, kind, item.result)
    save(T)
  end
  outcomes[#outcomes + 1] = char((accepted or repeated) and 1 or 0, T and T[STATE] or MISSING, repeated and 1 or 0)
end
return { table.concat(outcomes), commit() }
