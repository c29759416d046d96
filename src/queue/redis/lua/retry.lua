#!lua
-- Puts FAILED and CANCELED tasks back as a new generation. One that still waits for parents is BLOCKED on them again; what
-- they are by now answers the links. Refused as a whole when memory is full.
-- ARGV[3]  items: unique Bc0, with another spec B, spec I4c0
-- outcomes: changed B, state B (255 missing)
--@include moves
local function again(T)
  leave(T)
  T[FENCE] = T[FENCE] + 1
  T[GENERATION] = T[GENERATION] + 1
  T[ATTEMPT] = 0
  T[FINISHED] = 0
  T[DUE] = 0
  drop(T, 'e')
  local unmet = call('HGETALL', Q .. 'P:' .. T.uniq)
  if unmet[1] then
    blockOn(T, unmet)
    move(T, BLOCKED, 'retried')
  else
    queue(T, false, 'retried')
  end
end

--@main
local at, outcomes = 1, {}
while at <= #INPUT do
  local uniq, hasSpec, spec
  uniq, hasSpec, spec, at = parse('>Bc0BI4c0', INPUT, at)
  local T = load(uniq)
  local changes = T and (T[STATE] == FAILED or T[STATE] == CANCELED)
  if changes then
    again(T)
    if hasSpec == 1 then set(T, 's', spec) end
    save(T)
  end
  outcomes[#outcomes + 1] = char(changes and 1 or 0, T and T[STATE] or MISSING)
end
return { table.concat(outcomes), commit() }
