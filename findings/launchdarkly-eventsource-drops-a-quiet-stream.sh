#!/bin/sh
# launchdarkly-eventsource 2.2.0 (npm), Node 20: without options, a stream that is quiet for five seconds is dropped.
#
# Its documentation names no read timeout unless one is set. It uses Node's global agent, and that agent has had a timeout of
# five seconds since keep-alive became its default. The agent passes it on to each request that has none, and the client takes
# the request's `timeout` event for its own: "received no data in undefinedms". So a server that sends a heartbeat each 15 seconds,
# which suits every proxy, has such a client reconnect all day, and each reconnect costs a look-up and a replay. A
# `readTimeoutMillis` above the heartbeat, or any agent of one's own, keeps the stream.
#
# Seen on 2026-11-28, seven seconds of one event and then silence:
#   no options: connections 2, errors ["Read timeout, received no data in undefinedms, assuming connection is dead"]
#   readTimeoutMillis 60000: connections 1, errors []
#   an agent of its own: connections 1, errors []
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --save-exact --no-audit --no-fund --loglevel=error launchdarkly-eventsource@2.2.0 >/dev/null || exit 2
cat > seen.cjs <<'JS'
const http = require('node:http');
const { setTimeout: after } = require('node:timers/promises');
const { EventSource } = require('launchdarkly-eventsource');

async function seen(name, options) {
  let connections = 0;
  const errors = [];
  const server = http.createServer((_request, response) => {
    connections += 1;
    response.writeHead(200, { 'Content-Type': 'text/event-stream' });
    response.write('retry: 50\nid: 1\ndata: one\n\n');
  });
  await new Promise((listening) => server.listen(0, '127.0.0.1', listening));
  const source = new EventSource(`http://127.0.0.1:${server.address().port}/`, options);
  source.onerror = ({ message }) => errors.push(message);
  await after(7_000);
  source.close();
  server.closeAllConnections();
  server.close();
  return `${name}: connections ${connections}, errors ${JSON.stringify(errors)}`;
}
Promise.all([
  seen('no options', {}),
  seen('readTimeoutMillis 60000', { readTimeoutMillis: 60_000 }),
  seen('an agent of its own', { agent: new http.Agent({ keepAlive: true }) }),
]).then((lines) => {
  console.log(lines.join('\n'));
  process.exit();
});
JS
node seen.cjs | tee seen.txt
cat > expected.txt <<'TXT'
no options: connections 2, errors ["Read timeout, received no data in undefinedms, assuming connection is dead"]
readTimeoutMillis 60000: connections 1, errors []
an agent of its own: connections 1, errors []
TXT
diff expected.txt seen.txt
