/** Each script is atomic. The first key is the stream; the names of the other keys begin with its name. */

/**
 * Keeps events and appends them to the stream. Arguments: is_published, origin, oldest instant (ms), lifetime (ms),
 * then id, JSON, status and whether it is compressed for each event.
 */
export const PUBLISH = `
local stream = KEYS[1]
for at = 5, #ARGV, 3 do
  local id, json, status = ARGV[at], ARGV[at + 1], ARGV[at + 2]
  local key = stream .. ':event:' .. id
  if redis.call('exists', key) == 0 then
    local entry = redis.call('xadd', stream, '*', 'id', id, 'published', ARGV[1], 'origin', ARGV[2])
    redis.call('hset', key, 'json', json, 'status', status, 'entry', entry)
    redis.call('pexpire', key, ARGV[4])
    redis.call('zadd', stream .. ':status:' .. status, string.match(entry, '^%d+'), id)
  end
end
redis.call('xtrim', stream, 'MINID', '~', ARGV[3])
for _, status in ipairs({'pending', 'processing', 'completed', 'failed'}) do
  redis.call('zremrangebyscore', stream .. ':status:' .. status, '-inf', ARGV[3])
end
return redis.status_reply('OK')`;

/** Ends a claim that the claimant has. The outcome stands in the place of the owner then, and is none. */
const END_CLAIM = `
local function end_claim(id, group, claimant, member, outcome)
  local claims = KEYS[1] .. ':claims:' .. id
  if redis.call('hget', claims, group) ~= 'c' .. claimant then return end
  redis.call('zrem', KEYS[1] .. ':held:' .. group, member)
  redis.call('hset', claims, group, '=' .. outcome)
end`;

/** Gives an event its status. The place in the list of a status is that of the publication. */
const SET_STATUS = `
local function set_status(id, before, status, why, when)
  local lists, key = KEYS[1] .. ':status:', KEYS[1] .. ':event:' .. id
  local score = redis.call('zscore', lists .. before, id) or when
  redis.call('zrem', lists .. before, id)
  redis.call('zadd', lists .. status, score, id)
  redis.call('hset', key, 'status', status, 'error', why)
  if status == 'processing' then redis.call('hset', key, 'processed_ms', when)
  elseif status ~= 'pending' then redis.call('hset', key, 'completed_ms', when) end
end`;

/**
 * Changes statuses. Arguments for each change: id, status, retry_count or '', error or '', instant (ms), the claimant
 * and a JSON list of [group, member of `:held`] for the groups that give the event up.
 */
export const UPDATE = `${END_CLAIM}${SET_STATUS}
local stream = KEYS[1]
for at = 1, #ARGV, 7 do
  local id, status, retries, why, when = ARGV[at], ARGV[at + 1], ARGV[at + 2], ARGV[at + 3], ARGV[at + 4]
  local key = stream .. ':event:' .. id
  local before = redis.call('hget', key, 'status')
  if before and not (before == 'failed' and status ~= 'failed') then
    set_status(id, before, status, why, when)
    if retries ~= '' then redis.call('hset', key, 'retry_count', retries) end
    for _, claim in ipairs(cjson.decode(ARGV[at + 6])) do
      end_claim(id, claim[1], ARGV[at + 5], claim[2], 'failed')
    end
  end
end
return redis.status_reply('OK')`;

/**
 * Completes a dead letter that was redriven, unless it has failed once more since. Arguments: id, retry_count, instant
 * (ms), the instant of the failure that was redriven (ms) or ''.
 */
export const COMPLETE_REDRIVEN = `${SET_STATUS}
local id, key = ARGV[1], KEYS[1] .. ':event:' .. ARGV[1]
local found = redis.call('hmget', key, 'status', 'completed_ms')
if found[1] ~= 'failed' or (found[2] and found[2] ~= ARGV[4]) then return 0 end
set_status(id, 'failed', 'completed', '', ARGV[3])
redis.call('hset', key, 'retry_count', ARGV[2])
return 1`;

/** Removes an event everywhere. Argument: id. */
export const DELETE = `
local stream = KEYS[1]
local key = stream .. ':event:' .. ARGV[1]
local found = redis.call('hmget', key, 'status', 'entry')
if not found[1] then return 0 end
redis.call('zrem', stream .. ':status:' .. found[1], ARGV[1])
redis.call('xdel', stream, found[2])
redis.call('del', key, stream .. ':claims:' .. ARGV[1])
return 1`;

// A claim is a field of `:claims:<id>`, and until it ends a member of `:held:<group>`, scored by the end of its lease.
// The time is that of Redis, so that the clocks of instances do not matter.

/**
 * Claims an event for a group. Arguments: id, group, claimant, the member of `:held`, lease (ms), lifetime (ms).
 * Returns whether it is the claimant's.
 */
export const CLAIM = `
local stream = KEYS[1]
if redis.call('exists', stream .. ':event:' .. ARGV[1]) == 0 then return 0 end
local time = redis.call('time')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local claims, held = stream .. ':claims:' .. ARGV[1], stream .. ':held:' .. ARGV[2]
local owner = redis.call('hget', claims, ARGV[2])
if owner and owner ~= 'c' .. ARGV[3] then
  local ends = redis.call('zscore', held, ARGV[4])
  if not ends or tonumber(ends) > now then return 0 end
end
redis.call('hset', claims, ARGV[2], 'c' .. ARGV[3])
redis.call('pexpire', claims, ARGV[6])
redis.call('zadd', held, now + ARGV[5], ARGV[4])
redis.call('pexpire', held, ARGV[6])
return 1`;

/** A group is done with an event. Arguments: id, group, claimant, the member of `:held`. */
export const COMPLETE_CLAIM = `${END_CLAIM}
end_claim(ARGV[1], ARGV[2], ARGV[3], ARGV[4], 'completed')
return 1`;

/** Forgets the claims of an event that ended as failed. Argument: id. */
export const REOPEN_CLAIMS = `
local claims = KEYS[1] .. ':claims:' .. ARGV[1]
local all = redis.call('hgetall', claims)
for at = 1, #all, 2 do
  if all[at + 1] == '=failed' then redis.call('hdel', claims, all[at]) end
end
return 1`;

/** The claims whose lease is over. Arguments: how many at most, then the groups. */
export const ABANDONED = `
local time = redis.call('time')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local found = {}
for at = 2, #ARGV do
  for _, member in ipairs(redis.call('zrangebyscore', KEYS[1] .. ':held:' .. ARGV[at], '-inf', now, 'limit', 0, ARGV[1] - #found)) do
    -- the event may be gone, and its claim with it
    if redis.call('exists', KEYS[1] .. ':event:' .. cjson.decode(member)[1]) == 1 then table.insert(found, member)
    else redis.call('zrem', KEYS[1] .. ':held:' .. ARGV[at], member) end
  end
end
return found`;
