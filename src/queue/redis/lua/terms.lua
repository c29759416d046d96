#!lua flags=no-writes
-- Reads what decisions about attempts are made by.
-- ARGV[3]  unique parts Bc0
-- Reply: for each state B (255 missing), attempt I2, fence I4, header I4c0
--@include task
--@main
local terms = {}
for _, uniq in ipairs(readInputNames()) do
  local T = load(uniq)
  local header = T and get(T, 'h') or ''
  terms[#terms + 1] = pack('>BI2I4I4', T and T[STATE] or MISSING, T and T[ATTEMPT] or 0, T and T[FENCE] or 0, #header) .. header
end
return table.concat(terms)
