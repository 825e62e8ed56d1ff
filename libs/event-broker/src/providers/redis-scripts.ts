/**
 * Each script is atomic. The first key is the stream; the other names begin with it, so that in a cluster a stream name
 * in braces, such as `{shop}:events`, keeps them together.
 */

/**
 * Keeps events and appends them to the stream. Arguments: is_published, origin, oldest instant (ms), lifetime (ms), then
 * id, JSON, status and whether it is compressed for each event.
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

/** Changes statuses. Arguments: id, status, retry_count or '', error or '', instant (ms) for each change. */
export const UPDATE = `
local stream = KEYS[1]
for at = 1, #ARGV, 5 do
  local id, status, retries, why, when = ARGV[at], ARGV[at + 1], ARGV[at + 2], ARGV[at + 3], ARGV[at + 4]
  local key = stream .. ':event:' .. id
  local before = redis.call('hget', key, 'status')
  if before and not (before == 'failed' and status == 'completed') then
    local score = redis.call('zscore', stream .. ':status:' .. before, id) or when
    redis.call('zrem', stream .. ':status:' .. before, id)
    redis.call('zadd', stream .. ':status:' .. status, score, id)
    redis.call('hset', key, 'status', status, 'error', why)
    if retries ~= '' then redis.call('hset', key, 'retry_count', retries) end
    if status == 'processing' then redis.call('hset', key, 'processed_ms', when)
    elseif status ~= 'pending' then redis.call('hset', key, 'completed_ms', when) end
  end
end
return redis.status_reply('OK')`;

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

/** Claims an event for a group. Arguments: id, group, claimant, lifetime (ms). Returns the owner. */
export const CLAIM = `
local key = KEYS[1] .. ':claims:' .. ARGV[1]
redis.call('hsetnx', key, ARGV[2], ARGV[3])
redis.call('pexpire', key, ARGV[4])
return redis.call('hget', key, ARGV[2])`;
