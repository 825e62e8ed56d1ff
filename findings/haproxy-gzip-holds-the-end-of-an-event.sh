#!/usr/bin/env bash
# HAProxy 2.6.12 (Debian 12) compressing Server-Sent Events delivers the end of each event with the next one.
#
# With `compression algo gzip` and `compression type text/event-stream`, HAProxy hands on what it has after every chunk of
# the server, so streaming seems to work. But the last bytes of what it was given stay in its bit buffer until more comes:
# of `id: 1\ndata: {"n":1}\n\n` (21 bytes) a client that inflates all it received gets 19 or 20. The blank line that
# dispatches an event is among the bytes held back. So an EventSource fires each event when the NEXT one (or a heartbeat)
# arrives: an alert before a quiet hour is shown an hour late, and no byte count or log shows it. What a reader would
# guess is all or nothing: compressed data is flushed whole at each chunk (as Apache's mod_deflate does), or it is buffered.
#
# Without compression, and with `Cache-Control: no-transform` on the answer, which HAProxy heeds, each event is whole.
#
# Output seen (HAProxy 2.6.12-1+deb12u4, Node 20.20.2), 500 ms after the head, the second event not yet sent:
#   plain        compressed false, 21 of 21 bytes, blank line true
#   gzip         compressed true, 19 of 21 bytes, blank line false
#   no-transform compressed false, 21 of 21 bytes, blank line true
# Exit 0: it behaves so. 1: it changed. 2: it could not be tried here.
set -euo pipefail
folder=$(mktemp -d)
haproxy=
server=
trap 'kill ${haproxy:-} ${server:-} 2>/dev/null || true; rm -rf "$folder"' EXIT
cd "$folder"
for package in haproxy=2.6.12-1+deb12u4 liblua5.3-0 libopentracing-c-wrapper0 libopentracing1; do
  apt-get download -qq "$package" >/dev/null 2>&1 || { echo "cannot be tried here: $package is not to be had"; exit 2; }
done
for archive in ./*.deb; do dpkg -x "$archive" root; done
libraries=$(echo root/usr/lib/*-linux-gnu)

cat > server.mjs <<'JS'
// One event, a second of quiet, a second event, then the end.
import http from 'node:http';
http.createServer((request, response) => {
  response.writeHead(200, { 'content-type': 'text/event-stream', ...(request.url === '/no-transform' && { 'cache-control': 'no-transform' }) });
  response.write('id: 1\ndata: {"n":1}\n\n');
  setTimeout(() => response.end('id: 2\ndata: {"n":2}\n\n'), 1_000);
}).listen(18080, '127.0.0.1');
JS
cat > client.mjs <<'JS'
// What a client holds 500 ms after the head and at the end, inflated as far as it came.
import http from 'node:http';
import zlib from 'node:zlib';
const read = (path, encoding) => new Promise((resolve, reject) => {
  http.get({ port: 18082, host: '127.0.0.1', path, headers: { 'accept-encoding': encoding } }, (response) => {
    const flush = { flush: zlib.constants.Z_SYNC_FLUSH, finishFlush: zlib.constants.Z_SYNC_FLUSH };
    const compressed = response.headers['content-encoding'] === 'gzip';
    const text = compressed ? response.pipe(zlib.createGunzip(flush)) : response;
    let got = '';
    text.on('data', (bytes) => (got += bytes));
    let first = '';
    setTimeout(() => (first = got), 500);
    text.on('end', () => resolve({ compressed, first, all: got }));
    text.on('error', reject);
  }).on('error', reject);
});
const plain = await read('/', 'identity');
const gzip = await read('/', 'gzip');
const untouched = await read('/no-transform', 'gzip');
const line = (name, { compressed, first }) => console.log(`${name.padEnd(12)} compressed ${compressed}, ${first.length} of 21 bytes, blank line ${first.includes('\n\n')}`);
line('plain', plain);
line('gzip', gzip);
line('no-transform', untouched);
const whole = (answer) => !answer.compressed && answer.first.length === 21;
const held = gzip.compressed && gzip.first.length > 0 && !gzip.first.includes('\n\n') && gzip.all.length === 42;
process.exit(whole(plain) && held && whole(untouched) ? 0 : 1);
JS
cat > haproxy.cfg <<'CFG'
defaults
  mode http
  timeout connect 2s
  timeout client 10s
  timeout server 10s
  compression algo gzip
  compression type text/event-stream
listen sse
  bind 127.0.0.1:18082
  server one 127.0.0.1:18080
CFG
node server.mjs & server=$!
LD_LIBRARY_PATH=$libraries root/usr/sbin/haproxy -v | head -1
LD_LIBRARY_PATH=$libraries root/usr/sbin/haproxy -f haproxy.cfg & haproxy=$!
for _ in $(seq 50); do (exec 3<>/dev/tcp/127.0.0.1/18082 && exec 3<>/dev/tcp/127.0.0.1/18080) 2>/dev/null && break; sleep 0.1; done
node client.mjs
