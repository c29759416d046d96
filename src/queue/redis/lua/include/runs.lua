-- Runs: neighbours in one chunk that an entry of a lane names. A chunk S:NUMBER holds the specs of tasks that came together: its
-- index, bytes I2, count B, then the unique parts, each of the width B or, where that is 0, with its length before it, then the
-- bytes of each spec I4; then the specs. Its number is the number of its first task.
--@include lanes
--@include task
--@constant INDEX_HEAD 4

-- Unique parts that an index names: `n` from a slot on.
local function indexNames(index, slot, n)
  local names, width = {}, byte(index, INDEX_HEAD)
  if width > 0 then
    local at = INDEX_HEAD + 1 + slot * width
    for i = 1, n do
      names[i] = sub(index, at, at + width - 1)
      at = at + width
    end
    return names
  end
  local at = INDEX_HEAD + 1
  for i = 1, slot + n do
    local name, after = parse('>Bc0', index, at)
    if i > slot then names[i - slot] = name end
    at = after
  end
  return names
end

local function runOf(entry)
  local chunk, slot, n, bytes, place = parse(ENTRY, entry)
  local run = { chunk = chunk, slot = slot, n = n, bytes = bytes, place = place, at = 0 }
  if n == 1 then
    run.names = { sub(entry, 16) }
  else
    local index = call('GETRANGE', Q .. 'S:' .. text(chunk), 0, bytes - 1)
    -- Else the chunk went with its last task, and all that the entry names is stale.
    run.names = index ~= '' and indexNames(index, slot, n) or {}
  end
  return run
end

-- Reads the heads of the next `most` tasks of a run at once.
local function fetch(run, most)
  local names = {}
  for i = run.at + 1, math.min(run.n, run.at + most) do
    local name = run.names[i]
    if name and not loaded[name] and not raw[name] then names[#names + 1] = name end
  end
  loadAll(names)
end

-- The first task of a run, from its `at` on, that still waits at its place; `at` moves past those that do not.
local function nextOf(run)
  while run.at < run.n do
    local name = run.names[run.at + 1]
    local T = name and load(name)
    if T and T[STATE] == QUEUED and T[PLACE] == run.place + run.at then return T end
    run.at = run.at + 1
  end
end

-- What is left of a run, as an entry.
local function restOf(run)
  local n, place = run.n - run.at, run.place + run.at
  if n == 1 then return pack(ENTRY, run.chunk, run.slot + run.at, 1, 0, place) .. run.names[run.n] end
  return pack(ENTRY, run.chunk, run.slot + run.at, n, run.bytes, place)
end
