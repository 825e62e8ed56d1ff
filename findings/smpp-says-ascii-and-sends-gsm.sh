#!/usr/bin/env bash
# smpp 0.5.1 (npm): `_`, `@` and `$` of a text message are sent as control characters, under the name of another
# alphabet.
#
# An SMPP message says in `data_coding` how its bytes are to be read: 0 is the default alphabet of the centre, which is
# GSM 03.38 at most of them, and 1 is IA5, that is ASCII (SMPP 3.4, 5.2.19). One would guess that a text which is all
# ASCII goes out as ASCII and says 1. This library names the GSM alphabet `ASCII`: it writes the bytes of GSM 03.38, and
# says 1. Letters and digits are the same in both, so "disk full" arrives, and so does a test. `_` becomes 0x11, `$`
# 0x02 and `@` 0x00; `[`, `]`, `{`, `|` and `~` become an escape and another character. A centre that reads 1 as the
# standard says passes on a metric without its underscores, and may end the text at the 0x00 of an address. The library
# reads its own messages right, so a test with it on both sides shows nothing.
#
# For a system that sends SMS over SMPP: give `data_coding: 0` where the centre's default is GSM 03.38. The bytes are
# the same, and the name is then right.
#
# Output seen on 2026-11-30 (Node 20.20.2):
#   data_coding 1, read as ASCII: "cpu\u0011usage of ops\u0000db-1 at \u001b<91%\u001b>"
#   data_coding 1, read by smpp: "cpu_usage of ops@db-1 at [91%]"
#   data_coding 0 given: the same bytes
# Exit 0: it behaves so. 1: it changed. 2: it could not be tried here.
set -euo pipefail
command -v npm >/dev/null || { echo 'cannot be tried here: there is no npm'; exit 2; }
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --no-audit --no-fund --loglevel=error smpp@0.5.1 >/dev/null || exit 2
cat > seen.cjs <<'JS'
const { PDU } = require('smpp');

const text = 'cpu_usage of ops@db-1 at [91%]';
/** What is sent for the text. It is the last field of the message; each of the brackets takes two bytes. */
function send(fields) {
  const sent = new PDU('submit_sm', { destination_addr: '1', short_message: text, ...fields }).toBuffer();
  const bytes = sent.subarray(-(text.length + 2));
  return { bytes, coding: new PDU(sent).data_coding, read: new PDU(sent).short_message.message };
}
const itself = send({});
console.log(`data_coding ${itself.coding}, read as ASCII: ${JSON.stringify(itself.bytes.toString('latin1'))}`);
console.log(`data_coding ${itself.coding}, read by smpp: ${JSON.stringify(itself.read)}`);
const given = send({ data_coding: 0 });
console.log(`data_coding ${given.coding} given: ${given.bytes.equals(itself.bytes) ? 'the same' : 'other'} bytes`);
JS
node seen.cjs | tee seen.txt
cat > expected.txt <<'TXT'
data_coding 1, read as ASCII: "cpu\u0011usage of ops\u0000db-1 at \u001b<91%\u001b>"
data_coding 1, read by smpp: "cpu_usage of ops@db-1 at [91%]"
data_coding 0 given: the same bytes
TXT
diff expected.txt seen.txt
