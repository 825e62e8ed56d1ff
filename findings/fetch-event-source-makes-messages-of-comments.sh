#!/bin/sh
# @microsoft/fetch-event-source 2.0.1: every block of a stream is a message, also one without data.
#
# In the standard a block without a `data` line makes no event: a comment keeps the connection alive, an id alone moves the
# place, a retry alone sets the wait, an event name alone does nothing. Browsers call no listener for these four. This client
# calls `onmessage` for each, with data '' (a comment gives a message in which everything is empty). The usual
# `JSON.parse(message.data)` therefore throws at the first heartbeat comment. A page has to ask `if (message.data)` first; a
# server can only avoid such blocks.
#
# Seen on 2026-11-28, for a comment, an id, an event name and a retry, each alone, and then `data: one`:
#   eventsource 5.1.5: 1 message: "one"
#   @microsoft/fetch-event-source 2.0.1: 5 messages: "", "", "", "", "one"
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --save-exact --no-audit --no-fund --loglevel=error @microsoft/fetch-event-source@2.0.1 eventsource@5.1.5 >/dev/null || exit 2
cat > finding.mjs <<'JS'
import { createServer } from 'node:http';
import { fetchEventSource } from '@microsoft/fetch-event-source';
import { EventSource } from 'eventsource';

// the client looks at `document.hidden` and uses timers of `window`
globalThis.document = { hidden: false, addEventListener() {}, removeEventListener() {} };
globalThis.window = globalThis;

const server = createServer((_, answer) => {
  answer.writeHead(200, { 'Content-Type': 'text/event-stream' });
  answer.write(': a comment\n\nid: 1\n\nevent: heartbeat\n\nretry: 1000\n\ndata: one\n\n');
});
await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
const url = `http://127.0.0.1:${server.address().port}/`;

const ofStandard = [];
const source = new EventSource(url);
await new Promise((resolve) => {
  source.onmessage = ({ data }) => {
    ofStandard.push(data);
    if (data === 'one') resolve();
  };
});
source.close();

const ofFetch = [];
const leaving = new AbortController();
await fetchEventSource(url, {
  signal: leaving.signal,
  onmessage: ({ data }) => {
    ofFetch.push(data);
    if (data === 'one') leaving.abort();
  },
});
server.closeAllConnections();
server.close();

const told = (name, seen) =>
  console.log(`${name}: ${seen.length} message${seen.length === 1 ? '' : 's'}: ${seen.map((one) => JSON.stringify(one)).join(', ')}`);
told('eventsource 5.1.5', ofStandard);
told('@microsoft/fetch-event-source 2.0.1', ofFetch);
process.exit(ofStandard.length === 1 && ofFetch.length === 5 ? 0 : 1);
JS
timeout 60 node finding.mjs
