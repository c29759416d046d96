-- The entries of a task's log that lies in its hash.
--@include base
local function changeEntry(time, state, attempt, worker, reason)
  return pack('>BI6BI2I2c0', 1, time, state, attempt, #worker, worker) .. reason
end

local function logEntries(T)
  local entries, at = { changeEntry(T[CREATED], T[FIRST_STATE], 0, '', '') }, 1
  while at <= #T.log do entries[#entries + 1], at = parse('>I4c0', T.log, at) end
  return entries
end
