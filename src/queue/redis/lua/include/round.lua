-- A round: the first lanes of a priority, in their order, one task each. With many tenants most calls are one, and it looks at no
-- more of a lane than it has to: the general way (serve.lua) would do the same, lane by lane.
--@include serve
--@include asks
-- Whether each of the first `n` lanes has one turn before any has its second: none is a stride behind another, and all strides
-- are one; and whether each has no more than what waits.
local function isRound(ranked, n)
  if n < 2 or weighted == 1 or valueOf('multi') > 0 or valueOf('stale') > 0 then return false end
  return tonumber(ranked[2 * n]) < tonumber(ranked[2]) + STRIDE
end

-- Takes the first task out of a lane that has more than that one.
local function takeOne(lane, score, front, number, slot, n)
  takeList(lane, front)
  local list = lists[lane]
  dropFirstOf(list)
  if n > 1 then addFirst(list, entryOfSlots(number, slot + 1, n - 1)) end
  return firstOf(list) and text(score + STRIDE) or false
end

-- A front of one entry, neighbours in a chunk, and no more.
--@constant LONE_BYTES 10

-- Serves one task of each of the first `n` lanes, names and scores in turn, as far as they wait in rows; answers how many.
local function serveRound(ranked, n, priority, ask)
  local names, gone, changedRanks, served, term = {}, {}, ranksOf(Q .. 'R'), 0, termOf(ask, '')
  for i = 1, n do names[i] = ranked[2 * i - 1] end
  writeLists()
  lists, lanes = {}, {}
  local fronts = call('HMGET', Q .. 'Q', unpack(names))
  for i = 1, n do
    local front, lane = fronts[i], names[i]
    local kind, number, slot, count = parse('>BI5BB', front, 3)
    local C = kind == 1 and bytes < bytesMax and (chunksRead[number] or chunkOf(number))
    if not C or C.has >= HAS_TIMEOUTS or byte(rowAt(C, slot)) ~= 0 then break end
    bytes, served = bytes + specSize(C, slot), i
    C.rows[slot], rowsChanged[number] = term.row, C
    addSlots(ask.given, C, slot, 1, term)
    if count == 1 and #front == LONE_BYTES and byte(front) == 0 then
      gone[#gone + 1], changedRanks[lane] = lane, false
    else
      changedRanks[lane] = takeOne(lane, tonumber(ranked[2 * i]), front, number, slot, count)
    end
  end
  if served == 0 then return 0 end
  passes[2 + priority] = tonumber(ranked[2 * served]) - (9 - priority) * PASSES
  handedOut(ask, served)
  term.run.n, ask.fresh = term.run.n + served, ask.fresh + served
  callMany('HDEL', Q .. 'Q', gone)
  return served
end
