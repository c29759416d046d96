-- Tells what happened. The caller's own listeners learn it from the reply, so the channel is used only when others listen too,
-- as the count of subscribers says; answers with what the caller shall tell itself, or with '' when the channel told it.
--@include base
local function tell(ready, changed, revoked)
  local signal = queueName() .. (ready and '|1|' or '|0|') .. table.concat(changed, ',') .. '|' .. table.concat(revoked, ',')
  if HEARS == 'counted' and call('PUBSUB', 'NUMSUB', CHANNEL)[2] <= 1 then return signal end
  call('PUBLISH', CHANNEL, signal)
  return HEARS == 'away' and signal or ''
end
