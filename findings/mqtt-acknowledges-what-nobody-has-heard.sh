#!/usr/bin/env bash
# mqtt 5.16.0 (npm) with mosquitto 2.0.11 (Debian 12): a client that returns to its session loses the alerts that waited
# for it, because they are acknowledged before the code behind `await connectAsync()` can listen.
#
# A pager keeps its session (`clean: false`) and takes alerts with QoS 1, so that the broker holds what comes while it
# is away. One would guess that a message without a listener stays with the broker, or is kept until there is one, as a
# stream of Node does. mosquitto sends what waited right behind its answer to the connection. The client reads both in
# one go, emits `message` to nobody, and acknowledges. The promise of connectAsync() is settled by then, but the code
# that awaits it runs later. The alerts are gone at the client and at the broker, and no error tells. aedes sends them a
# little later, so that a test with that broker in the same process receives them all.
#
# For a system that takes alerts over MQTT: call `connect()`, add the listener before the next `await`, and only then
# wait for `connect`.
#
# Output seen on 2026-11-30 (Node 20.20.2), three alerts with QoS 1 that waited for a session:
#   aedes 1.2.0, listener behind connectAsync(): received 3, then 0 at the next connection
#   mosquitto 2.0.11, listener behind connectAsync(): received 0, then 0 at the next connection
#   mosquitto 2.0.11, listener behind connect(): received 3, then 0 at the next connection
# Exit 0: it behaves so. 1: it changed. 2: it could not be tried here.
set -euo pipefail
command -v npm >/dev/null || { echo 'cannot be tried here: there is no npm'; exit 2; }
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
# with the libraries of mosquitto that a small Debian may lack
apt-get download -qq mosquitto libdlt2 libwrap0 libnsl2 libtirpc3 >/dev/null 2>&1 ||
  { echo 'cannot be tried here: mosquitto is not to be had'; exit 2; }
ls mosquitto_2.0.11*.deb >/dev/null 2>&1 || { echo 'cannot be tried here: another mosquitto'; exit 2; }
for package in *.deb; do dpkg -x "$package" root; done
npm init -y >/dev/null
npm install --no-audit --no-fund --loglevel=error mqtt@5.16.0 aedes@1.2.0 >/dev/null || exit 2
cat > main.mjs <<'JS'
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import net from 'node:net';
import { Aedes } from 'aedes';
import mqtt from 'mqtt';

const ofBroker = net.createServer((await Aedes.createBroker()).handle).listen(0, '127.0.0.1');
await once(ofBroker, 'listening');
const aedes = ofBroker.address().port;

const free = net.createServer().listen(0, '127.0.0.1');
await once(free, 'listening');
const mosquitto = free.address().port;
free.close();
await once(free, 'close');
writeFileSync('mosquitto.conf', `listener ${mosquitto} 127.0.0.1\nallow_anonymous true\nuser root\n`);
const server = spawn(process.argv[2], ['-c', 'mosquitto.conf'], { stdio: 'ignore' });
process.on('exit', () => server.kill());
for (let open = false; !open; ) {
  // it listens as soon as a connection is taken
  const socket = net.connect(mosquitto, '127.0.0.1');
  open = await once(socket, 'connect').then(
    () => true,
    () => false,
  );
  socket.destroy();
}

const address = (port) => `mqtt://127.0.0.1:${port}`;
const session = { clientId: 'pager', clean: false, reconnectPeriod: 100 };
const listening = {
  'connectAsync()': async (port, listener) => (await mqtt.connectAsync(address(port), session)).on('message', listener),
  'connect()': async (port, listener) => {
    const client = mqtt.connect(address(port), session).on('message', listener);
    await once(client, 'connect');
    return client;
  },
};
/** Counts the alerts that arrive before a mark that is published now: what waited is sent before it. */
async function received(port, way) {
  let count = 0;
  let markArrived;
  const mark = new Promise((resolve) => (markArrived = resolve));
  const client = await listening[way](port, (topic) => (topic === 'mark' ? markArrived() : (count += 1)));
  await client.subscribeAsync('mark', { qos: 1 });
  await client.publishAsync('mark', '', { qos: 1 });
  await mark;
  await client.endAsync();
  return count;
}
for (const [name, port, way] of [
  ['aedes 1.2.0', aedes, 'connectAsync()'],
  ['mosquitto 2.0.11', mosquitto, 'connectAsync()'],
  ['mosquitto 2.0.11', mosquitto, 'connect()'],
]) {
  const first = await mqtt.connectAsync(address(port), session);
  await first.subscribeAsync('alerts', { qos: 1 });
  await first.endAsync();
  const publisher = await mqtt.connectAsync(address(port));
  for (const alert of ['a', 'b', 'c']) await publisher.publishAsync('alerts', alert, { qos: 1 });
  await publisher.endAsync();
  const now = await received(port, way);
  const next = await received(port, 'connect()');
  console.log(`${name}, listener behind ${way}: received ${now}, then ${next} at the next connection`);
}
process.exit();
JS
libraries=$(find "$folder/root" -name 'lib*.so.*' -exec dirname {} + | sort -u | paste -sd:)
export LD_LIBRARY_PATH="$libraries"
ldd root/usr/sbin/mosquitto | grep -q 'not found' && { echo 'cannot be tried here: libraries are missing'; exit 2; }
timeout 60 node main.mjs root/usr/sbin/mosquitto | tee seen.txt
cat > expected.txt <<'TXT'
aedes 1.2.0, listener behind connectAsync(): received 3, then 0 at the next connection
mosquitto 2.0.11, listener behind connectAsync(): received 0, then 0 at the next connection
mosquitto 2.0.11, listener behind connect(): received 3, then 0 at the next connection
TXT
diff expected.txt seen.txt
