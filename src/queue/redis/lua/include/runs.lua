-- Runs: what an entry of a lane names (lanes.lua). A task that waits in its row is at its place, and so is one that moved into a
-- head while it waited there, whose place is 0; another one with a head is where that says the place is. What is not at its place any more is stale, and dropped when it is reached.
--@include lanes
--@include task
local function runOf(entry)
  if byte(entry) == 0 then
    local place, at = parse('>I6', entry, 2)
    return { place = place, uniq = sub(entry, at), n = 1, at = 0 }
  end
  local number, slot, n = parse('>I5BB', entry, 2)
  -- Without its chunk, all that the entry names is gone.
  return { C = chunkOf(number), number = number, slot = slot, n = n, at = 0, place = 0 }
end

-- The name of a run's task at its `at`; '' where it is gone.
local function nameOf(run) return run.uniq or run.C and uniqOf(run.C, run.slot + run.at) or '' end

-- Whether that task lives in its row.
local function isInRow(run) return run.C and byte(rowAt(run.C, run.slot + run.at)) == 0 end

local function isNext(run)
  if run.C then
    storedRows(run.C, run.slot + run.at, run.n - run.at)
    local row = byte(rowAt(run.C, run.slot + run.at))
    if row ~= MOVED then return row == 0 end
  end
  local T = load(nameOf(run))
  if not T or T[STATE] ~= QUEUED or T[PLACE] ~= run.place then return false end
  return run.uniq or T[CHUNK] == run.number and T[SLOT] == run.slot + run.at
end

-- Whether some task of a run, from its `at` on, still waits at its place; `at` moves past those that do not.
local function settleRun(run)
  while run.at < run.n do
    if isNext(run) then return true end
    run.at = run.at + 1
  end
  return false
end

-- What is left of a run, as an entry.
local function restOf(run)
  if run.uniq then return entryOf(run.place, run.uniq) end
  return entryOfSlots(run.number, run.slot + run.at, run.n - run.at)
end
