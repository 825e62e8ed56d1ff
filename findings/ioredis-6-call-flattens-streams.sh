#!/usr/bin/env bash
# ioredis 6.0.0 speaks RESP3 unless it is told otherwise, and two ways to send one command then differ: `redis.xread(...)`
# returns a list of pairs, one for each stream, as every version before did; `redis.call('XREAD', ...)` returns the same
# reply as one flat list of names and entries. Code that loops over pairs takes the name of the first stream for a pair, and
# finds neither stream. With `protocol: 2` both return pairs. Who sends commands of a newer server by `call`, or
# XREADGROUP through a wrapper that does, meets this at the upgrade to 6; nothing warns.
#
# Output seen (ioredis 6.0.0, redis-server 7.0.15, Node 20.20.2):
#   protocol default: xread() [["a",[["1-1",["f","1"]]]],["b",[["2-1",["f","2"]]]]]
#   protocol default: call()  ["a",[["1-1",["f","1"]]],"b",[["2-1",["f","2"]]]]
#   protocol 2: xread() [["a",[["1-1",["f","1"]]]],["b",[["2-1",["f","2"]]]]]
#   protocol 2: call()  [["a",[["1-1",["f","1"]]]],["b",[["2-1",["f","2"]]]]]
# Exit 0: it behaves so. 1: it changed. 2: it could not be tried here.
set -euo pipefail
command -v redis-server >/dev/null || { echo 'cannot be tried here: there is no redis-server'; exit 2; }
folder=$(mktemp -d)
server=
trap 'kill ${server:-} 2>/dev/null || true; rm -rf "$folder"' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund ioredis@6.0.0 >/dev/null 2>&1 ||
  { echo 'cannot be tried here: ioredis 6.0.0 is not to be had'; exit 2; }
redis-server --unixsocket "$folder/redis.sock" --port 0 --save '' --appendonly no >redis.log 2>&1 & server=$!
for _ in $(seq 50); do [ -S redis.sock ] && break; sleep 0.1; done

cat > read.cjs <<'JS'
const { Redis } = require('ioredis');
const PAIRS = '[["a",[["1-1",["f","1"]]]],["b",[["2-1",["f","2"]]]]]';
const FLAT = '["a",[["1-1",["f","1"]]],"b",[["2-1",["f","2"]]]]';
(async () => {
  const seen = [];
  for (const protocol of [undefined, 2]) {
    const redis = new Redis({ path: 'redis.sock', protocol });
    await redis.flushall();
    await redis.xadd('a', '1-1', 'f', '1');
    await redis.xadd('b', '2-1', 'f', '2');
    const named = JSON.stringify(await redis.xread('STREAMS', 'a', 'b', '0', '0'));
    const called = JSON.stringify(await redis.call('XREAD', 'STREAMS', 'a', 'b', '0', '0'));
    console.log(`protocol ${protocol ?? 'default'}: xread() ${named}\nprotocol ${protocol ?? 'default'}: call()  ${called}`);
    seen.push(named, called);
    redis.disconnect();
  }
  process.exit(JSON.stringify(seen) === JSON.stringify([PAIRS, FLAT, PAIRS, PAIRS]) ? 0 : 1);
})();
JS
node read.cjs
