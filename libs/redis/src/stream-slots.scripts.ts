// The scripts that Redis runs in one step. Each slot is a hash from a gateway's instance id to the number of streams
// that it has there. A field counts while the key `gateway:<id>` lives. A script may touch several keys, since all keys
// of a system are in one slot of a cluster.

/**
 * For each of the streams takes one slot of each of its hashes, or none. KEYS: the gateway's own key, then the hashes
 * of the streams. ARGV: the instance id, the prefix of a gateway's key, the lifetime of that key and of a hash in ms;
 * then for each stream the number of its hashes, and for each hash the limit and the minimum that this gateway itself
 * has there (Redis may have lost its count). Returns 1 if the gateway's own key was missing, else 0; then for each
 * stream the position of the first full hash, or 0 if the slots were taken.
 */
export const TAKE = `
local id, prefix, lifetime, keep = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
local answers, alive = {0}, {}
if redis.call('pexpire', KEYS[1], lifetime) == 0 then
  redis.call('set', KEYS[1], '1', 'px', lifetime)
  answers[1] = 1
end
local key, arg = 2, 5
while key <= #KEYS do
  local count, full, own = tonumber(ARGV[arg]), 0, {}
  for i = 1, count do
    local hash, limit, others = KEYS[key + i - 1], tonumber(ARGV[arg + 2 * i - 1]), 0
    own[i] = tonumber(ARGV[arg + 2 * i])
    local fields = redis.call('hgetall', hash)
    for f = 1, #fields, 2 do
      local gateway, held = fields[f], tonumber(fields[f + 1])
      if gateway == id then
        own[i] = math.max(own[i], held)
      else
        if alive[gateway] == nil then alive[gateway] = redis.call('exists', prefix .. gateway) == 1 end
        if alive[gateway] then others = others + held else redis.call('hdel', hash, gateway) end
      end
    end
    if others + own[i] >= limit then
      full = i
      break
    end
  end
  if full == 0 then
    for i = 1, count do
      redis.call('hset', KEYS[key + i - 1], id, own[i] + 1)
      redis.call('pexpire', KEYS[key + i - 1], keep)
    end
  end
  answers[#answers + 1] = full
  key, arg = key + count, arg + 1 + 2 * count
end
return answers
`;

/** Gives slots back. KEYS: hashes. ARGV: the instance id, then the number for each hash. */
export const GIVE_BACK = `
for i = 1, #KEYS do
  if redis.call('hincrby', KEYS[i], ARGV[1], -tonumber(ARGV[1 + i])) <= 0 then redis.call('hdel', KEYS[i], ARGV[1]) end
end
`;

/**
 * Overwrites a gateway's counts. KEYS: hashes. ARGV: the instance id, a hash's lifetime in
 * ms, then the count for each hash.
 */
export const STATE = `
for i = 1, #KEYS do
  if tonumber(ARGV[2 + i]) > 0 then
    redis.call('hset', KEYS[i], ARGV[1], ARGV[2 + i])
    redis.call('pexpire', KEYS[i], ARGV[2])
  else
    redis.call('hdel', KEYS[i], ARGV[1])
  end
end
`;

/** Keeps a gateway's key alive. KEYS: the key. ARGV: its lifetime in ms. Returns 1 if the key was missing. */
export const BEAT = `
if redis.call('pexpire', KEYS[1], ARGV[1]) == 1 then return 0 end
redis.call('set', KEYS[1], '1', 'px', ARGV[1])
return 1
`;
