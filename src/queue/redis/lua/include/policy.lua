-- The queue's policy, and what it holds back (policy.ts).
--@include numbers
-- Tasks at once, in all and a key; rates and bursts, in all and a key; whether tenants have weights. 0: no limit.
--@state runningMax, perKeyMax, rate, burst, keyRate, keyBurst, weighted, knowsPolicy = 0, 0, 0, 0, 0, 0, 0, false
local function readPolicy()
  if knowsPolicy then return end
  knowsPolicy = true
  local policy = packedOf('policy')
  if policy ~= '' then runningMax, perKeyMax, rate, burst, keyRate, keyBurst, weighted = parse('>I4I4ddddB', policy) end
end

-- A token bucket's whole tokens, and the wait for one; `full`: when it will be full again.
local function tokens(perSecond, size, full)
  local missing = math.max(0, full - NOW) * perSecond / 1000
  return math.max(0, floor(size - missing + 1e-6)), full - NOW - (size - 1) * 1000 / perSecond
end

--@state again = 2 ^ 47
local function againIn(ms) again = math.min(again, ms) end

--@state keyStates = {}
local function keyState(key)
  local state = keyStates[key]
  if not state then
    state = { running = tonumber(call('HGET', Q .. 'K', key) or nil) or 0 }
    if keyRate > 0 then state.full = tonumber(call('HGET', Q .. 'k', key) or nil) or 0 end
    keyStates[key] = state
  end
  return state
end

-- Whether the key's cap or its rate holds its tasks back; for a rate, until when.
local function keyHeld(key)
  if key == '' then return false end
  readPolicy()
  if perKeyMax == 0 and keyRate == 0 then return false end
  local state = keyState(key)
  if perKeyMax > 0 and state.running >= perKeyMax then return true end
  if keyRate == 0 then return false end
  local left, wait = tokens(keyRate, keyBurst, state.full)
  if left > 0 then return false end
  againIn(wait)
  return true, NOW + wait
end
