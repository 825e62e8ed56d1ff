#!/usr/bin/env bash
# nats-server 2.9.10 (Debian 12), @nats-io/jetstream 3.4.0: to lower `max_bytes` of a stream deletes its oldest messages, also
# where the stream was told `discard: new`, which reads as "refuse what comes, and keep what is there".
#
# A work queue is bounded so that a publisher hears "full" and nothing that was confirmed is lost. The bound then is a
# setting like others: an operator lowers it while a backlog waits, the update is accepted, and the messages above the new
# bound are gone, without a consumer having seen them. `discard` is asked about publications only. (2.15.2, tried by hand
# in the same way, keeps the messages and refuses new ones.)
#
# Output seen:
#   stored 20 messages, 200 KB, discard new
#   after max_bytes was lowered to 100 KB: the update was accepted, fewer than half of the messages are left, oldest gone
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
const limit = { discard: 'new', max_bytes: 1_000_000 };
await manager.streams.add({ name: 'work', subjects: ['work'], retention: 'workqueue', storage: 'file', ...limit });
const client = jetstream(connection);
for (let i = 0; i < 20; i += 1) await client.publish('work', new Uint8Array(10_000));
const before = (await manager.streams.info('work')).state;
console.log(`stored ${before.messages} messages, ${Math.floor(before.bytes / 100_000) * 100} KB, discard new`);
let update = 'accepted';
await manager.streams.update('work', { max_bytes: 100_000 }).catch((error) => (update = `refused: ${error.message}`));
const after = (await manager.streams.info('work')).state;
const left = after.messages < before.messages / 2 ? 'fewer than half' : `${after.messages}`;
const oldest = after.first_seq > before.first_seq ? 'gone' : 'there';
console.log(`after max_bytes was lowered to 100 KB: the update was ${update}, ${left} of the messages are left, oldest ${oldest}`);
await connection.close();
JS
node main.mjs nats-server_*.ports | tee seen
cat > expected <<'TXT'
stored 20 messages, 200 KB, discard new
after max_bytes was lowered to 100 KB: the update was accepted, fewer than half of the messages are left, oldest gone
TXT
cmp -s seen expected || { echo 'changed'; exit 1; }
