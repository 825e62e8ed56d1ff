// The scripts that Redis runs in one step, so that a process that is killed in between loses nothing. They need Redis 7
// or newer.

/**
 * Appends messages, all or none. KEYS: the urgent and the common stream. ARGV: how many messages may wait in both; then
 * for each message the position of its stream, the number of its arguments, and fields and values in turn. Returns 1,
 * or 0 if there is no room.
 */
export const PUT = `
local messages, at = 0, 2
while at <= #ARGV do
  messages = messages + 1
  at = at + 2 + tonumber(ARGV[at + 1])
end
if redis.call('xlen', KEYS[1]) + redis.call('xlen', KEYS[2]) + messages > tonumber(ARGV[1]) then return 0 end
at = 2
while at <= #ARGV do
  local last = at + 1 + tonumber(ARGV[at + 1])
  redis.call('xadd', KEYS[tonumber(ARGV[at])], '*', unpack(ARGV, at + 2, last))
  at = last + 1
end
return 1`;

/** KEYS: streams. Returns for each its length and the id of its first entry, if any. */
export const LENGTHS = `
local lengths = {}
for i, key in ipairs(KEYS) do
  local first = redis.call('xrange', key, '-', '+', 'count', 1)[1]
  lengths[i] = {redis.call('xlen', key), first and first[1] or false}
end
return lengths`;

/**
 * Takes over what no consumer has kept for a time. KEYS: the stream. ARGV: the group, the consumer, that time in ms,
 * where to go on, how many at most. Returns where to go on the next time ('0-0' when all were seen), and for each entry
 * its id, how often it was delivered (this time included) and its fields.
 */
export const CLAIM = `
local found = redis.call('xautoclaim', KEYS[1], ARGV[1], ARGV[2], ARGV[3], ARGV[4], 'count', ARGV[5])
local entries = {}
for i, entry in ipairs(found[2]) do
  local pending = redis.call('xpending', KEYS[1], ARGV[1], entry[1], entry[1], 1)
  entries[i] = {entry[1], pending[1][4], entry[2]}
end
return {found[1], entries}`;

/**
 * Returns entries: the next claim takes them at once, and this delivery does not count. KEYS: the stream. ARGV: the
 * group, the consumer that holds what was returned, the idle time after which entries are claimed, then the ids.
 */
export const GIVE_BACK = `
for i = 4, #ARGV do
  local pending = redis.call('xpending', KEYS[1], ARGV[1], ARGV[i], ARGV[i], 1)[1]
  if pending then
    redis.call('xclaim', KEYS[1], ARGV[1], ARGV[2], 0, ARGV[i],
      'idle', ARGV[3], 'retrycount', math.max(0, pending[4] - 1), 'justid')
  end
end`;

/**
 * Returns up to 500 entries of a consumer, as GIVE_BACK does, and removes the consumer when it holds no more. KEYS: the
 * stream. ARGV: the group, the consumer that holds what was returned, the idle time, the consumer. Returns whether it
 * is removed.
 */
export const LEAVE = `
local held = redis.call('xpending', KEYS[1], ARGV[1], '-', '+', 501, ARGV[4])
for i = 1, math.min(500, #held) do
  redis.call('xclaim', KEYS[1], ARGV[1], ARGV[2], 0, held[i][1],
    'idle', ARGV[3], 'retrycount', math.max(0, held[i][4] - 1), 'justid')
end
if #held > 500 then return 0 end
redis.call('xgroup', 'delconsumer', KEYS[1], ARGV[1], ARGV[4])
return 1`;

/**
 * Moves an entry to the end of another stream, with the id of its message. KEYS: from, to. ARGV: the group, the id of
 * the entry, the id of its message if the producer gave none.
 */
export const MOVE = `
local found = redis.call('xrange', KEYS[1], ARGV[2], ARGV[2])[1]
if not found then return 0 end
local fields, named = found[2], false
for i = 1, #fields, 2 do named = named or fields[i] == 'message_id' end
if not named then
  table.insert(fields, 'message_id')
  table.insert(fields, ARGV[3])
end
redis.call('xadd', KEYS[2], '*', unpack(fields))
redis.call('xdel', KEYS[1], ARGV[2])
redis.call('xack', KEYS[1], ARGV[1], ARGV[2])
return 1`;

/**
 * Removes the names of consumers that ended without saying so and hold nothing. KEYS: the stream. ARGV: the group, how
 * long a consumer must have been silent, in ms.
 */
export const FORGET = `
for _, consumer in ipairs(redis.call('xinfo', 'consumers', KEYS[1], ARGV[1])) do
  local about = {}
  for i = 1, #consumer, 2 do about[consumer[i]] = consumer[i + 1] end
  if about['pending'] == 0 and about['idle'] > tonumber(ARGV[2]) then
    redis.call('xgroup', 'delconsumer', KEYS[1], ARGV[1], about['name'])
  end
end`;
