-- Runs: neighbours in one chunk that an entry of a lane names. A chunk S:NUMBER holds the specs of tasks that came together: its
-- index, bytes I2 and count B, then unique Bc0 and spec bytes I4 of each task; then the specs. Its number is the number of its
-- first task.
--@include lanes
--@include task
--@constant INDEX_HEAD 3

-- The unique parts that an index names: all of them, as far as `last` slots.
local function indexNames(index, last)
  local names, at = {}, INDEX_HEAD + 1
  for slot = 1, last do
    local name, _, after = parse('>Bc0I4', index, at)
    names[slot], at = name, after
  end
  return names
end

local function runOf(entry)
  local chunk, slot, n, bytes, place = parse(ENTRY, entry)
  local run = { chunk = chunk, slot = slot, n = n, bytes = bytes, place = place, at = 0, names = {} }
  if n == 1 then
    run.names[1] = sub(entry, 16)
  else
    local index = call('GETRANGE', Q .. 'S:' .. text(chunk), 0, bytes - 1)
    if index ~= '' then -- else the chunk went with its last task, and all is stale
      local names = indexNames(index, slot + n)
      for i = 1, n do run.names[i] = names[slot + i] end
    end
  end
  return run
end

-- Reads the heads of the next `most` tasks of a run at once.
local function fetch(run, most)
  local names = {}
  for i = run.at + 1, math.min(run.n, run.at + most) do
    if run.names[i] and not loaded[run.names[i]] then names[#names + 1] = run.names[i] end
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
