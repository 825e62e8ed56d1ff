#!/bin/sh
# cloudevents 10.0.0 (npm), Node 20: HTTP.binary writes attributes into headers as they are.
#
# The HTTP binding (1.0.2, 3.1.3.2) has a sender percent-encode what is not printable ASCII, and `%` itself, and a receiver
# decode it. The SDK does neither. So a legal event whose id is `zażółć` cannot be sent in binary mode at all, since node:http
# refuses the header; and one whose id is `100%41` reaches a receiver that keeps to the binding as `100A`, while the same event
# in structured mode is `100%41`: two events. HTTP.toEvent does not decode either, so that `caf%C3%A9` of a sender that keeps to
# the binding stays as it is.
#
# Seen on 2026-11-28:
#   ce-id of zażółć: zażółć -> ERR_INVALID_CHAR
#   ce-id of 100%41: 100%41
#   subject read from caf%C3%A9: caf%C3%A9
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --save-exact --no-audit --no-fund --loglevel=error cloudevents@10.0.0 >/dev/null
cat > seen.cjs <<'JS'
const { CloudEvent, HTTP } = require('cloudevents');
const http = require('node:http');
const event = (id) => new CloudEvent({ id, source: '/s', type: 't', data: {} });
const idOf = (id) => HTTP.binary(event(id)).headers['ce-id'];
const sent = (value) => {
  try {
    http.validateHeaderValue('ce-id', value);
    return value;
  } catch (error) {
    return `${value} -> ${error.code}`;
  }
};
console.log(`ce-id of zażółć: ${sent(idOf('zażółć'))}`);
console.log(`ce-id of 100%41: ${sent(idOf('100%41'))}`);
const headers = { 'ce-specversion': '1.0', 'ce-id': '1', 'ce-source': '/s', 'ce-type': 't', 'ce-subject': 'caf%C3%A9', 'content-type': 'application/json' };
console.log(`subject read from caf%C3%A9: ${HTTP.toEvent({ headers, body: '{}' }).subject}`);
JS
node seen.cjs | tee seen.txt
cat > expected.txt <<'TXT'
ce-id of zażółć: zażółć -> ERR_INVALID_CHAR
ce-id of 100%41: 100%41
subject read from caf%C3%A9: caf%C3%A9
TXT
diff expected.txt seen.txt
