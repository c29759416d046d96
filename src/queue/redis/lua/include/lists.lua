-- What waits in lanes, in order, as entries (lanes.lua). A lane's first entries lie in the hash Q, packed, each with its length B
-- before it, behind a byte that says whether there are more, in the list Q:LANE: most lanes are short, and many of them are read
-- and written by one command. A lane is in the hash as long as it has an entry.
--@include numbers
-- Bytes of entries in the hash, beyond which new ones go into the list; and how many come from there when the hash has none left.
--@constant FRONT_BYTES_MAX 64
--@constant REFILL 7
--@state lists = {}
local function takeList(lane, packed)
  lists[lane] = { lane = lane, packed = packed or '', at = 2, hasMore = packed and byte(packed) == 1, added = {}, isStored = packed }
end

-- Reads several at once.
local function readLists(names)
  local unread = {}
  for i = 1, #names do
    if not lists[names[i]] then unread[#unread + 1] = names[i] end
  end
  if not unread[1] then return end
  local found = call('HMGET', Q .. 'Q', unpack(unread))
  for i = 1, #unread do takeList(unread[i], found[i]) end
end

local function listOf(lane)
  if not lists[lane] then takeList(lane, call('HGET', Q .. 'Q', lane)) end
  return lists[lane]
end

local function withLength(entry) return char(#entry) .. entry end

-- Brings entries out of the list, once the hash has none left of them.
local function refill(list)
  if list.at <= #list.packed or not list.hasMore then return end
  local key, found = Q .. 'Q:' .. list.lane, nil
  found = call('LPOP', key, REFILL)
  list.hasMore = #found == REFILL and call('EXISTS', key) == 1
  for i = 1, #found do found[i] = withLength(found[i]) end
  list.packed, list.at = '\0' .. table.concat(found), 2
end

-- The first entry, if there is one.
local function firstOf(list)
  refill(list)
  if list.at > #list.packed and list.added[1] then
    list.packed, list.at, list.added = '\0' .. table.concat(list.added), 2, {}
  end
  if list.at > #list.packed then return end
  return sub(list.packed, list.at + 1, list.at + byte(list.packed, list.at))
end

-- Takes the first entry out; firstOf() has told it.
local function dropFirstOf(list)
  list.at, list.isChanged = list.at + 1 + byte(list.packed, list.at), true
end

local function addFirst(list, entry)
  list.packed, list.at, list.isChanged = '\0' .. withLength(entry) .. sub(list.packed, list.at), 2, true
end

local function addLast(list, entries)
  list.isChanged = true
  local bytes = #list.packed - list.at
  for i = 1, #entries do
    if not list.hasMore and bytes <= FRONT_BYTES_MAX then
      list.added[#list.added + 1] = withLength(entries[i])
      bytes = bytes + #entries[i] + 1
    else
      list.hasMore = true
      call('RPUSH', Q .. 'Q:' .. list.lane, unpack(entries, i))
      return
    end
  end
end

local function writeLists()
  local kept, gone = {}, {}
  for lane, list in pairs(lists) do
    if list.isChanged then
      local first = firstOf(list)
      if first then
        kept[#kept + 1] = lane
        kept[#kept + 1] = (list.hasMore and '\1' or '\0') .. sub(list.packed, list.at) .. table.concat(list.added)
      elseif list.isStored then
        gone[#gone + 1] = lane
      end
    end
  end
  callMany('HSET', Q .. 'Q', kept)
  callMany('HDEL', Q .. 'Q', gone)
end
