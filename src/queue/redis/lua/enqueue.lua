#!lua
-- Takes in tasks that can be leased at once; submit.lua takes in others with them. This is the most frequent call of all.
-- ARGV[3]  for each chunk what rows.lua says
-- ARGV[4]  unfinished tasks that the queue may hold
-- ARGV[5]  and on: chunks
-- outcomes: of each chunk, as rows.lua has them
--@include rows
--@include tell
--@main
local outcomes = {}
for arg = FIRST_CHUNK, #ARGV - 1 do outcomes[#outcomes + 1] = takeRows(ARGV[arg]) end
if not areChanged then return { table.concat(outcomes), { '' } } end
writeTaken()
local lanes = {}
for lane in pairs(entries) do lanes[#lanes + 1] = lane end
readLists(lanes)
for lane, pushed in pairs(entries) do lanePush(lane, pushed) end
writeLists()
writeRanks()
writeNumbers()
return { table.concat(outcomes), { tell(true, named, {}) } }
