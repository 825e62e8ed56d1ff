#!/usr/bin/env bash
# event-source-plus 0.1.15 (npm) beside eventsource 5.1.5: of a text in several lines only the last arrives, and a
# server that asks its clients to wait is asked again at once.
#
# In a stream a text of several lines is several `data` lines, and every reader joins them; so a server may send JSON
# that is printed in lines, or the text of an alert. This client keeps the last of them: JSON.parse gets "}", and of a
# text "disk full, and then what to do" the reader sees the end alone, with no sign of the rest. The other surprise
# waits for the next restart of a server. `retry` is how a server says when to come back, and the documentation promises
# exponential back-off. The back-off begins anew after each answer with 200, at 2 milliseconds, and `retry` is handed to
# the page and not obeyed. So a gateway that ends its streams in order, to move its clients to another one, gets each of
# them back dozens of times a second.
#
# For a server: send text as JSON in one line. For a client: with `retryStrategy: 'on-error'` the connection is not
# opened again by itself, and the page can wait for what `retry` said.
#
# Output seen on 2026-11-30 (Node 20.20.2); the server ends each stream in order and asks for a wait of 60 seconds:
#   eventsource: data "{\n\"alert\": \"disk full\"\n}", connections within 2 s: 1
#   event-source-plus: data "}", retry 60000, connections within 2 s: more than 20
# Exit 0: it behaves so. 1: it changed. 2: it could not be tried here.
set -euo pipefail
command -v npm >/dev/null || { echo 'cannot be tried here: there is no npm'; exit 2; }
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --no-audit --no-fund --loglevel=error event-source-plus@0.1.15 eventsource@5.1.5 >/dev/null || exit 2
cat > seen.mjs <<'JS'
import { once } from 'node:events';
import http from 'node:http';
import { EventSourcePlus } from 'event-source-plus';
import { EventSource } from 'eventsource';

const WAIT_MS = 2000;
/** Gives a client the address of a server, and resolves with its first message and the number of its connections. */
async function watch(open) {
  let connections = 0;
  const server = http.createServer((request, response) => {
    connections += 1;
    response.writeHead(200, { 'Content-Type': 'text/event-stream' });
    response.end(`retry: 60000\nid: ${connections}\ndata: {\ndata: "alert": "disk full"\ndata: }\n\n`);
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  let received;
  const first = new Promise((resolve) => (received = resolve));
  const close = open(`http://127.0.0.1:${server.address().port}/`, received);
  const message = await first;
  await new Promise((resolve) => setTimeout(resolve, WAIT_MS));
  close();
  server.close();
  server.closeAllConnections();
  return { message, connections: connections > 20 ? 'more than 20' : connections };
}
const plain = await watch((url, received) => {
  const source = new EventSource(url);
  source.onmessage = received;
  return () => source.close();
});
console.log(`eventsource: data ${JSON.stringify(plain.message.data)}, connections within 2 s: ${plain.connections}`);
const plus = await watch((url, onMessage) => {
  const source = new EventSourcePlus(url).listen({ onMessage });
  return () => source.abort();
});
const { data, retry } = plus.message;
console.log(
  `event-source-plus: data ${JSON.stringify(data)}, retry ${retry}, connections within 2 s: ${plus.connections}`,
);
process.exit();
JS
timeout 60 node seen.mjs | tee seen.txt
cat > expected.txt <<'TXT'
eventsource: data "{\n\"alert\": \"disk full\"\n}", connections within 2 s: 1
event-source-plus: data "}", retry 60000, connections within 2 s: more than 20
TXT
diff expected.txt seen.txt
