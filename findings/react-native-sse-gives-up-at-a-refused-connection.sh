#!/bin/sh
# react-native-sse 1.2.1 (the XMLHttpRequest of jsdom 26.1.0 in React Native's place): two ways in which it never
# connects again, where an EventSource does.
#
# It plans the next connection when a response ends. A connection that is refused, or that fails without a status, is
# told to the `error` listener and nothing is planned: a phone whose first try falls into the restart of a server stays
# silent. `retry: 0`, which asks for the next connection at once, is read as "never". And 204, the answer that ends an
# EventSource for good, is taken for a stream that ended: it asks again, every `retry`, for ever. So the caller has to
# open a new one after an error without `xhrStatus`, and to close it by hand.
#
# Seen on 2026-11-29:
#   the server is away at the second connection, and back: errors 1, connections in all 1
#   the server says retry: 0 and ends its response: connections in all 1
#   the server answers 204: asked again after it, 3 times
set -eu
command -v npm >/dev/null || exit 2
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --no-audit --no-fund --loglevel=error react-native-sse@1.2.1 jsdom@26.1.0 >/dev/null || exit 2
cat > main.mjs <<'JS'
import { createServer } from 'node:http';
import { once } from 'node:events';
import { createRequire } from 'node:module';
import { setTimeout as sleep } from 'node:timers/promises';

const require = createRequire(import.meta.url);
const { JSDOM } = require('jsdom');

let connections = 0;
let answer = () => {};
const open = async (port = 0) => {
  const server = createServer((request, response) => {
    connections += 1;
    answer(response);
  });
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  return server;
};
const close = async (server) => {
  server.closeAllConnections();
  server.close();
  await once(server, 'close');
};
const events = (response, text) => {
  response.writeHead(200, { 'Content-Type': 'text/event-stream', 'Access-Control-Allow-Origin': '*', Connection: 'close' });
  response.end(text);
};
const until = async (holds) => {
  for (const end = Date.now() + 5_000; !holds(); await sleep(10)) if (Date.now() > end) return;
};
const client = (port) => {
  const { window } = new JSDOM('', { url: `http://127.0.0.1:${port}/` });
  window._virtualConsole.removeAllListeners();
  globalThis.XMLHttpRequest = window.XMLHttpRequest;
  const module = require('react-native-sse');
  const EventSource = module.default ?? module;
  const source = new EventSource(`http://127.0.0.1:${port}/`, { headers: {} });
  return source;
};

// 1: the server is away when the client comes again
let server = await open();
let { port } = server.address();
answer = (response) => events(response, 'retry: 300\nid: 1\ndata: one\n\n');
let source = client(port);
let errors = 0;
let seen = 0;
source.addEventListener('error', () => (errors += 1));
source.addEventListener('message', () => (seen += 1));
await until(() => seen === 1);
await close(server);
await until(() => errors === 1);
server = await open(port);
await sleep(2_000);
console.log(`the server is away at the second connection, and back: errors ${errors}, connections in all ${connections}`);
source.close();
await close(server);

// 2: "connect again at once"
connections = seen = 0;
server = await open();
({ port } = server.address());
answer = (response) => events(response, 'retry: 0\nid: 1\ndata: one\n\n');
source = client(port);
source.addEventListener('message', () => (seen += 1));
await until(() => seen === 1);
await sleep(2_000);
console.log(`the server says retry: 0 and ends its response: connections in all ${connections}`);
source.close();

// 3: "do not come again"
connections = 0;
answer = (response) => {
  if (connections === 1) return events(response, 'retry: 100\nid: 1\ndata: one\n\n');
  response.writeHead(204, { 'Access-Control-Allow-Origin': '*', Connection: 'close' });
  response.end();
};
source = client(port);
await until(() => connections >= 5);
source.close();
console.log(`the server answers 204: asked again after it, ${connections - 2} times`);
await close(server);
process.exit(0);
JS
node main.mjs | tee seen
cat > expected <<'TXT'
the server is away at the second connection, and back: errors 1, connections in all 1
the server says retry: 0 and ends its response: connections in all 1
the server answers 204: asked again after it, 3 times
TXT
cmp -s seen expected || { echo 'changed'; exit 1; }
