#!/bin/sh
# Clients of Server-Sent Events for Node: an id that comes without data moves the place of one of four.
#
# In the standard the id of a block counts even where the block has no data and so makes no event: a server can tell its clients
# "you have seen everything up to 2" without an event. Browsers and the package eventsource send `Last-Event-ID: 2` when they
# reconnect. eventsource-client 1.2.0, launchdarkly-eventsource 2.2.0 and event-source-polyfill 1.0.31 forget that id and ask for
# what follows 1: a server whose checkpoints are bare ids replays to them what it had long passed over. A checkpoint has to be
# an event with data to hold for all four.
#
# Seen on 2026-11-28, after `id: 1` with data and `id: 2` without, and a cut:
#   eventsource 5.1.5: reconnects at 2
#   eventsource-client 1.2.0: reconnects at 1
#   launchdarkly-eventsource 2.2.0: reconnects at 1
#   event-source-polyfill 1.0.31: reconnects at 1
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --save-exact --no-audit --no-fund --loglevel=error \
  eventsource@5.1.5 eventsource-client@1.2.0 launchdarkly-eventsource@2.2.0 event-source-polyfill@1.0.31 >/dev/null 2>&1 || exit 2
cat > seen.mjs <<'JS'
import http from 'node:http';

/** Resolves with the id at which the client reconnects. */
async function placeOf(open) {
  let connections = 0;
  let found;
  const place = new Promise((resolve) => (found = resolve));
  const server = http.createServer((request, response) => {
    connections += 1;
    response.writeHead(200, { 'Content-Type': 'text/event-stream' });
    if (connections > 1) {
      // event-source-polyfill sends it in the address
      const inAddress = new URL(request.url, 'http://localhost').searchParams.get('lastEventId');
      return found(request.headers['last-event-id'] ?? inAddress);
    }
    response.write('retry: 50\nid: 1\ndata: one\n\n');
    setTimeout(() => response.write('id: 2\n\n'), 100);
    setTimeout(() => response.destroy(), 300);
  });
  await new Promise((listening) => server.listen(0, '127.0.0.1', listening));
  const source = await open(`http://127.0.0.1:${server.address().port}/`);
  const id = await place;
  source.close();
  server.closeAllConnections();
  server.close();
  return id;
}
console.error = () => undefined; // the polyfill prints the cut
const clients = {
  'eventsource 5.1.5': async (url) => {
    const { EventSource } = await import('eventsource');
    const source = new EventSource(url);
    source.onerror = () => undefined;
    return source;
  },
  'eventsource-client 1.2.0': async (url) => (await import('eventsource-client')).createEventSource({ url }),
  'launchdarkly-eventsource 2.2.0': async (url) => {
    const { default: launchdarkly } = await import('launchdarkly-eventsource');
    const source = new launchdarkly.EventSource(url);
    source.onerror = () => undefined;
    return source;
  },
  'event-source-polyfill 1.0.31': async (url) => {
    const { default: polyfill } = await import('event-source-polyfill');
    return new polyfill.EventSourcePolyfill(url);
  },
};
for (const [name, open] of Object.entries(clients)) console.log(`${name}: reconnects at ${await placeOf(open)}`);
process.exit();
JS
node seen.mjs 2>/dev/null | tee seen.txt
cat > expected.txt <<'TXT'
eventsource 5.1.5: reconnects at 2
eventsource-client 1.2.0: reconnects at 1
launchdarkly-eventsource 2.2.0: reconnects at 1
event-source-polyfill 1.0.31: reconnects at 1
TXT
diff expected.txt seen.txt
