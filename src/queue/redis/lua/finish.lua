#!lua flags=allow-oom
-- Ends attempts, under the lease's fence. Goes on when memory is full, so that what runs can end.
-- ARGV[3]  items: unique Bc0, fence I4, tokens d, dollars d, kind B, then
--          0 succeeded: output I4c0
--          1 failed: again B, delay I6, failure I4c0, reason I4c0 (what follows was decided by task.ts)
--          2 released: reason I4c0
--          3 suspended: resume state I4c0, parents I4c0, pending parents I2 × (id I2c0, condition c1)
-- outcomes: accepted B, state B (255 missing), repeated B
--@include task
--@include log
--@include moves
--@include usage
local at = 1
local args -- what follows the kind, read whether the item is accepted or not

local readers = {
  [0] = function() args.output, at = parse('>I4c0', INPUT, at) end,
  [1] = function() args.again, args.delay, args.failure, args.reason, at = parse('>BI6I4c0I4c0', INPUT, at) end,
  [2] = function() args.reason, at = parse('>I4c0', INPUT, at) end,
  [3] = function()
    local n
    args.resume, args.named, n, at = parse('>I4c0I4c0I2', INPUT, at)
    args.parents, at = parseParents(n, at)
  end,
}

local function suspend(T)
  set(T, 'r', args.resume)
  T[ATTEMPT] = T[ATTEMPT] - 1
  T[DUE] = 0
  if args.named ~= '' then set(T, 'd', (call('HGET', T.key, 'd') or '') .. args.named) end
  if args.parents[1] then
    blockOn(T, args.parents)
    move(T, BLOCKED, 'suspended')
  else
    queue(T, false, 'suspended')
  end
end

local appliers = {
  [0] = function(T)
    set(T, 'o', args.output)
    dropError(T)
    finalize(T, SUCCEEDED, '')
  end,
  [1] = function(T) fail(T, args.again == 1, args.delay, args.failure, args.reason) end,
  [2] = function(T)
    T[ATTEMPT] = T[ATTEMPT] - 1
    queue(T, true, args.reason)
  end,
  [3] = suspend,
}

local outcomes = {}
while at <= #INPUT do
  local uniq, fence, tokens, usd, kind
  uniq, fence, tokens, usd, kind, at = parse('>Bc0I4ddB', INPUT, at)
  args = {}
  readers[kind]()
  local T = load(uniq)
  local held = T and T[FENCE] == fence
  local accepted = held and T[STATE] == RUNNING
  local repeated = held and (kind == 0 and T[STATE] == SUCCEEDED or kind == 1 and T[STATE] == FAILED)
  if accepted then
    leave(T)
    addUsage(T, tokens, usd)
    appliers[kind](T)
    save(T)
  end
  outcomes[#outcomes + 1] = string.char((accepted or repeated) and 1 or 0, T and T[STATE] or MISSING, repeated and 1 or 0)
end
local added = commit()
return { table.concat(outcomes), added }
