#!/usr/bin/env bash
# @nats-io/jetstream 3.4.0 with nats-server 2.9.10 (Debian 12): a publication to a subject that no stream takes is refused
# as if JetStream were switched off.
#
# The server has JetStream and answers its API. The subject has no subscriber, so the request gets "no responders", and
# the client turns that into JetStreamNotEnabled, "jetstream is not enabled". The reader of that log looks at the server's
# configuration, where nothing is wrong; the stream is missing, as after the loss of its data. Only
# `error.cause.isNoResponders()` tells.
#
# Output seen:
#   the API of JetStream answers: streams 1
#   a subject of the stream: stored as 1
#   a subject of no stream: JetStreamNotEnabled, jetstream is not enabled, no responders true
# Exit 0: it behaves so. 1: it changed. 2: it could not be tried here.
set -euo pipefail
command -v npm >/dev/null || exit 2
folder=$(mktemp -d)
server=
trap 'kill ${server:-} 2>/dev/null || true; rm -rf "$folder"' EXIT
cd "$folder"
apt-get download -qq nats-server >/dev/null 2>&1 || { echo 'cannot be tried here: nats-server is not to be had'; exit 2; }
dpkg -x nats-server_2.9.10*.deb root 2>/dev/null || { echo 'cannot be tried here: another nats-server'; exit 2; }
npm init -y >/dev/null
npm install --no-audit --no-fund --loglevel=error @nats-io/jetstream@3.4.0 @nats-io/transport-node@3.4.0 >/dev/null || exit 2
root/usr/sbin/nats-server --addr 127.0.0.1 --port -1 --jetstream --store_dir "$folder/data" --ports_file_dir "$folder" \
  >server.log 2>&1 &
server=$!
for _ in $(seq 100); do ls nats-server_*.ports >/dev/null 2>&1 && break; sleep 0.1; done
cat > main.mjs <<'JS'
import { readFileSync } from 'node:fs';
import { jetstream, jetstreamManager } from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';

const [server] = JSON.parse(readFileSync(process.argv[2], 'utf8')).nats;
const connection = await connect({ servers: server });
const manager = await jetstreamManager(connection);
await manager.streams.add({ name: 'alerts', subjects: ['alerts.>'] });
console.log(`the API of JetStream answers: streams ${(await manager.getAccountInfo()).streams}`);
const client = jetstream(connection);
console.log(`a subject of the stream: stored as ${(await client.publish('alerts.one', 'x')).seq}`);
try {
  await client.publish('orders.one', 'x');
  console.log('a subject of no stream: stored');
} catch (error) {
  const { name, message, cause } = error;
  console.log(`a subject of no stream: ${name}, ${message}, no responders ${cause?.isNoResponders?.()}`);
}
await connection.close();
JS
node main.mjs nats-server_*.ports | tee seen
cat > expected <<'TXT'
the API of JetStream answers: streams 1
a subject of the stream: stored as 1
a subject of no stream: JetStreamNotEnabled, jetstream is not enabled, no responders true
TXT
cmp -s seen expected || { echo 'changed'; exit 1; }
