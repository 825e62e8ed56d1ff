#!/usr/bin/env bash
# parse-sse 0.1.0 (npm) beside eventsource-parser 4.1.3: an event loses its name where the network cuts a line end in
# two, and half an event at the end of a stream is a whole one.
#
# It calls itself compliant with the standard, which allows CR LF as the end of a line (sse-starlette for Python writes
# it by default) and tells a reader to discard an event that the stream ends in. A stream arrives in pieces of any
# length. Where a piece ends behind CR, this parser takes CR for one line end and the LF of the next piece for an empty
# line, which ends the event. What was read so far is handed over, or forgotten if it had no data yet: a `resolved`
# arrives as a `message`, which other code handles, or a text of two lines as two events. It depends on the length of
# all that came before, so it happens in production now and then, and in no test. And when a connection ends in the
# middle of an event, the part that arrived is handed over with its id: who then asks for what follows that id never
# gets the rest.
#
# For a client: turn CR LF into LF before the parser, or take one that waits for the LF, and do not advance on the last
# event of a stream that broke off.
#
# Output seen on 2026-11-30 (Node 20.20.2), `event: resolved` with two lines of data, cut at each of its 49 places:
#   eventsource-parser: 49 times [["resolved","7","disk\nfull"]]
#   parse-sse: 47 times [["resolved","7","disk\nfull"]]
#   parse-sse: cut behind "resolved\r" [["message","7","disk\nfull"]]
#   parse-sse: cut behind "disk\r" [["resolved","7","disk"],["message","7","full"]]
#   `id: 8`, `data: 12 alerts`, ended behind the 1: eventsource-parser [], parse-sse [["message","8","1"]]
# Exit 0: it behaves so. 1: it changed. 2: it could not be tried here.
set -euo pipefail
command -v npm >/dev/null || { echo 'cannot be tried here: there is no npm'; exit 2; }
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --no-audit --no-fund --loglevel=error parse-sse@0.1.0 eventsource-parser@4.1.3 >/dev/null || exit 2
cat > seen.mjs <<'JS'
import { EventSourceParserStream } from 'eventsource-parser/stream';
import { parseServerSentEvents } from 'parse-sse';

const parsers = {
  'eventsource-parser': (response) =>
    response.body.pipeThrough(new TextDecoderStream()).pipeThrough(new EventSourceParserStream()),
  'parse-sse': parseServerSentEvents,
};
/** What a parser makes of a stream that arrives in these pieces, as [type, id, data]. */
async function read(parser, pieces) {
  const events = [];
  const body = ReadableStream.from(pieces.map((piece) => new TextEncoder().encode(piece)));
  for await (const event of parsers[parser](new Response(body, { headers: { 'Content-Type': 'text/event-stream' } }))) {
    events.push([event.type ?? event.event ?? 'message', event.id ?? event.lastEventId, event.data]);
  }
  return JSON.stringify(events);
}

const text = 'id: 7\r\nevent: resolved\r\ndata: disk\r\ndata: full\r\n\r\n';
const whole = await read('eventsource-parser', [text]);
for (const parser of Object.keys(parsers)) {
  const odd = [];
  let right = 0;
  for (let at = 1; at < text.length; at += 1) {
    const seen = await read(parser, [text.slice(0, at), text.slice(at)]);
    if (seen === whole) right += 1;
    else odd.push(`${parser}: cut behind ${JSON.stringify(text.slice(0, at).split(' ').at(-1))} ${seen}`);
  }
  console.log(`${parser}: ${right} times ${whole}`);
  for (const line of odd) console.log(line);
}
const half = ['id: 8\ndata: 1'];
const [first, second] = await Promise.all(Object.keys(parsers).map((parser) => read(parser, half)));
console.log(`\`id: 8\`, \`data: 12 alerts\`, ended behind the 1: eventsource-parser ${first}, parse-sse ${second}`);
JS
node seen.mjs | tee seen.txt
cat > expected.txt <<'TXT'
eventsource-parser: 49 times [["resolved","7","disk\nfull"]]
parse-sse: 47 times [["resolved","7","disk\nfull"]]
parse-sse: cut behind "resolved\r" [["message","7","disk\nfull"]]
parse-sse: cut behind "disk\r" [["resolved","7","disk"],["message","7","full"]]
`id: 8`, `data: 12 alerts`, ended behind the 1: eventsource-parser [], parse-sse [["message","8","1"]]
TXT
diff expected.txt seen.txt
