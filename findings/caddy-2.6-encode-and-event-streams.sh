#!/usr/bin/env bash
# Caddy 2.6.2 (the one in Debian 12) in front of Server-Sent Events, configured as its quick start says: `encode gzip` and
# `reverse_proxy`. Two things a reader would not guess, both gone in 2.11:
#
# 1. A server that sends its head at once and its first event later: the client that accepts gzip gets the HEAD only with the
#    first event, although nothing is compressed (text/event-stream is not on Caddy's list). A client without
#    Accept-Encoding gets it at once. An EventSource always accepts gzip: its `open` waits for the first event, and a page
#    that says "connected" at `open` says nothing during a quiet hour. A comment written behind the head avoids it.
# 2. A server that is killed in the middle of a stream: the client gets a complete answer with its last chunk, as if the
#    server had ended it. A broken stream cannot be told from one that is over; only the log of Caddy knows.
#
# Output seen (Caddy 2.6.2-5 of Debian 12, Node 20.20.2; the first event is sent 1,000 ms after the head):
#   identity: head before the first event true, cut stream ends as complete true
#   gzip: head before the first event false, compressed false, cut stream ends as complete true
# Exit 0: it behaves so. 1: it changed. 2: it could not be tried here.
set -euo pipefail
folder=$(mktemp -d)
caddy=
server=
trap 'kill ${caddy:-} ${server:-} 2>/dev/null || true; rm -rf "$folder"' EXIT
cd "$folder"
apt-get download -qq caddy=2.6.2-5 >/dev/null 2>&1 || { echo 'cannot be tried here: caddy=2.6.2-5 is not to be had'; exit 2; }
dpkg -x ./caddy_*.deb root

cat > server.mjs <<'JS'
// The head at once, one event a second later; then the connection is cut.
import http from 'node:http';
http.createServer((_, response) => {
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  response.flushHeaders();
  setTimeout(() => response.write('data: 1\n\n'), 1_000);
  setTimeout(() => response.socket.destroy(), 1_500);
}).listen(18080, '127.0.0.1');
JS
cat > client.mjs <<'JS'
import http from 'node:http';
const read = (encoding) => new Promise((resolve, reject) => {
  const startedAt = Date.now();
  const request = http.get({ port: 18081, host: '127.0.0.1', headers: { 'accept-encoding': encoding } }, (response) => {
    const answer = { headEarly: Date.now() - startedAt < 800, compressed: 'content-encoding' in response.headers };
    response.resume();
    response.on('end', () => resolve({ ...answer, complete: response.complete }));
    response.on('error', () => resolve({ ...answer, complete: false }));
  });
  request.on('error', reject);
});
const identity = await read('identity');
const gzip = await read('gzip');
console.log(`identity: head before the first event ${identity.headEarly}, cut stream ends as complete ${identity.complete}`);
console.log(`gzip: head before the first event ${gzip.headEarly}, compressed ${gzip.compressed}, cut stream ends as complete ${gzip.complete}`);
process.exit(identity.headEarly && !gzip.headEarly && !gzip.compressed && identity.complete && gzip.complete ? 0 : 1);
JS
cat > Caddyfile <<'CADDY'
{
	admin off
	auto_https off
}
:18081 {
	encode gzip
	reverse_proxy 127.0.0.1:18080
}
CADDY
node server.mjs & server=$!
HOME=$folder root/usr/bin/caddy run --config Caddyfile --adapter caddyfile 2>caddy.log & caddy=$!
for _ in $(seq 50); do (exec 3<>/dev/tcp/127.0.0.1/18081 && exec 3<>/dev/tcp/127.0.0.1/18080) 2>/dev/null && break; sleep 0.1; done
node client.mjs
