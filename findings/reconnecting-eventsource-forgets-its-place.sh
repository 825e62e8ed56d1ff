#!/bin/sh
# reconnecting-eventsource 1.6.5: the wrapper that is there to reconnect keeps the place only for listeners that were
# added, and forgets it with `onmessage`.
#
# Where the inner EventSource gives up for good (a status other than 200, as a gateway in its restart or a proxy without
# one answers), the wrapper makes a new one and puts `lastEventId` into its address. It learns that id in the wrapper of
# the listeners that `addEventListener` took. With `onmessage` alone, which its documentation shows, the new connection
# has no place: the server begins anew, and what was published meanwhile is missed. And who uses both gets each message
# twice in `onmessage`.
#
# Seen on 2026-11-29, over eventsource 5.1.5; the second connection is answered 503:
#   onmessage: header and address of the connections: none none, 7 none, none none
#   addEventListener: header and address of the connections: none none, 7 none, none 7
#   both: one event was given to onmessage 2 times
set -eu
command -v npm >/dev/null || exit 2
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --no-audit --no-fund --loglevel=error reconnecting-eventsource@1.6.5 eventsource@5.1.5 >/dev/null || exit 2
cat > main.cjs <<'JS'
const { createServer } = require('node:http');
const { once } = require('node:events');

async function main() {
  const { EventSource } = await import('eventsource');
  const { default: Reconnecting } = require('reconnecting-eventsource');

  async function connections(listen, count) {
    const seen = [];
    let enough;
    const done = new Promise((resolve) => (enough = resolve));
    const server = createServer((request, response) => {
      const address = new URL(request.url, 'http://x').searchParams.get('lastEventId');
      seen.push(`${request.headers['last-event-id'] ?? 'none'} ${address ?? 'none'}`);
      if (seen.length === 2) response.writeHead(503).end();
      else {
        response.writeHead(200, { 'Content-Type': 'text/event-stream' });
        if (seen.length === 1) response.end('retry: 50\nid: 7\ndata: seven\n\n');
      }
      if (seen.length === count) enough();
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const source = new Reconnecting(`http://127.0.0.1:${server.address().port}/`, {
      eventSourceClass: EventSource,
      max_retry_time: 100,
    });
    listen(source);
    await Promise.race([done, new Promise((resolve) => setTimeout(resolve, 10_000))]);
    source.close();
    server.closeAllConnections();
    server.close();
    return seen.join(', ');
  }
  console.log(`onmessage: header and address of the connections: ${await connections((s) => (s.onmessage = () => {}), 3)}`);
  const added = await connections((s) => s.addEventListener('message', () => {}), 3);
  console.log(`addEventListener: header and address of the connections: ${added}`);
  let calls = 0;
  await connections((s) => {
    s.onmessage = () => (calls += 1);
    s.addEventListener('message', () => {});
  }, 2);
  console.log(`both: one event was given to onmessage ${calls} times`);
  process.exit(0);
}
main();
JS
node main.cjs | tee seen
cat > expected <<'TXT'
onmessage: header and address of the connections: none none, 7 none, none none
addEventListener: header and address of the connections: none none, 7 none, none 7
both: one event was given to onmessage 2 times
TXT
cmp -s seen expected || { echo 'changed'; exit 1; }
