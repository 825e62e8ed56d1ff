#!/bin/sh
# extended-eventsource 2.1.0: an event that is cut off is lost, because its id counts from the moment its line is read.
#
# An EventSource takes an id when the event is dispatched: what was cut in the middle leaves no trace, and is asked for
# again. Here the next connection names the id of the event whose data never came, so a server that goes on behind
# that id sends everything but this event. eventsource 5.1.5 is shown beside it. A server helps with frames whose id
# comes last, behind the data.
#
# Seen on 2026-11-29, the second event of each connection is cut behind its first data line:
#   eventsource: got 1, came back with Last-Event-ID 1
#   extended-eventsource: got 1, came back with Last-Event-ID 2
#   extended-eventsource, id behind the data: got 1, came back with Last-Event-ID 1
set -eu
command -v npm >/dev/null || exit 2
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --no-audit --no-fund --loglevel=error extended-eventsource@2.1.0 eventsource@5.1.5 >/dev/null || exit 2
cat > main.mjs <<'JS'
import { createServer } from 'node:http';
import { once } from 'node:events';
import { EventSource } from 'eventsource';
import { EventSource as Extended } from 'extended-eventsource';

console.error = console.warn = console.info = console.debug = () => {};

async function tried(name, Client, half) {
  let cameBackWith;
  const back = new Promise((resolve) => (cameBackWith = resolve));
  const server = createServer((request, response) => {
    response.writeHead(200, { 'Content-Type': 'text/event-stream' });
    const last = request.headers['last-event-id'];
    if (last !== undefined) {
      cameBackWith(last);
      return response.end();
    }
    response.write('retry: 100\n\nid: 1\ndata: 1\n\n');
    // what a killed server or a lost network leaves
    response.write(half, () => setTimeout(() => response.destroy(), 100));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const got = [];
  const source = new Client(`http://127.0.0.1:${server.address().port}/`, { retry: 100, disableLogger: true });
  source.onmessage = ({ data }) => data && got.push(data);
  source.onerror = () => {};
  const id = await Promise.race([back, new Promise((resolve) => setTimeout(resolve, 10_000, 'nothing'))]);
  source.close();
  server.closeAllConnections();
  server.close();
  process.stdout.write(`${name}: got ${got.join(' ')}, came back with Last-Event-ID ${id}\n`);
}
await tried('eventsource', EventSource, 'id: 2\ndata: the first line of 2\n');
await tried('extended-eventsource', Extended, 'id: 2\ndata: the first line of 2\n');
await tried('extended-eventsource, id behind the data', Extended, 'data: the first line of 2\n');
process.exit(0);
JS
node main.mjs | tee seen
cat > expected <<'TXT'
eventsource: got 1, came back with Last-Event-ID 1
extended-eventsource: got 1, came back with Last-Event-ID 2
extended-eventsource, id behind the data: got 1, came back with Last-Event-ID 1
TXT
cmp -s seen expected || { echo 'changed'; exit 1; }
