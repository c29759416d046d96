-- Adds to what a task has used: tokens and US dollars, two doubles in the field u.
local function addUsage(T, tokens, usd)
  if tokens == 0 and usd == 0 then return end
  local before = get(T, 'u')
  if before then
    local t, d = parse('>dd', before)
    tokens, usd = tokens + t, usd + d
  end
  set(T, 'u', pack('>dd', tokens, usd))
end
