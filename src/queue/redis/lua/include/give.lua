-- Gives a lane's next tasks to an ask.
--@include serve
--@include asks
--@include timeouts
local function begin(T, ask)
  T[ATTEMPT] = T[ATTEMPT] + 1
  T[FENCE] = T[FENCE] + 1
  T[STARTED] = NOW
  ask.number = ask.number or workerNumber(ask.worker)
  local plain = T[LAST] == 1 and T[ATTEMPT] == 1 and T[FIRST_STATE] == QUEUED and band(T[FLAGS], HAS_LOG_LIST + BITS.l) == 0
  if T[WORKER] ~= ask.number then
    if T[WORKER] > 0 then workerUsed(T[WORKER], -1) end
    workerUsed(ask.number, 1)
    T[WORKER] = ask.number
  end
  local due, z = NOW + ask.leaseMs, timeoutsOf(T)
  if z then
    z.sign, z.leaseMs = NOW, ask.leaseMs
    due = math.min(due, limitOf(T, z))
    set(T, 'z', packTimeouts(z))
    if z.toStart > 0 then append(unstarts, T.uniq) end
  end
  leaseUntil(T, due)
  T[STATE] = RUNNING
  if plain then
    T[LAST] = 2
  else
    log(T, changeEntry(NOW, RUNNING, T[ATTEMPT], ask.worker, ''))
    logWrite(T)
    T.fresh = nil
  end
  append(changed, T.uniq)
  T.head = pack(HEAD, unpack(T, 1, HEAD_FIELDS))
  save(T)
end

local function turn(L, n, ask)
  passes[2 + L.priority] = L.pass + (n - 1) * L.stride
  L.pass = L.pass + n * L.stride
  L.run.at = L.run.at + n
  L.served = true
  handedOut(ask, n)
end

local function serveHead(run, ask)
  local T = load(nameOf(run))
  begin(T, ask)
  bytes = bytes + specSize(chunkOf(T[CHUNK]), T[SLOT])
  append(ask.given, T)
end

-- Serves the first task of a run and as many of its neighbours, up to `most`, as wait too; answers how many.
local function serveRows(run, ask, most)
  local C, first = run.C, run.slot + run.at
  local n, before = alike(C, first, most), specEnd(C, first - 1)
  if bytes + specEnd(C, first + n - 1) - before >= bytesMax then
    local all = n
    n = 1
    while n < all and bytes + specEnd(C, first + n - 1) - before < bytesMax do n = n + 1 end
  end
  bytes = bytes + specEnd(C, first + n - 1) - before
  setRows(C, first, n, rowOf(ask))
  addSlots(ask.given, C, first, n)
  ask.run.n, ask.fresh = ask.run.n + n, ask.fresh + n
  return n
end

-- Serves the lane's next task; and of the one lane that is open as many more as its run has.
local function serve(L, ask, most)
  takeOfKey(L.key)
  if isInRow(L.run) then
    turn(L, serveRows(L.run, ask, math.min(most, L.run.n - L.run.at)), ask)
  else
    serveHead(L.run, ask)
    turn(L, 1, ask)
  end
end
