// What it costs on this machine to wake a process: two processes send 200 bytes to and fro, at once and after pauses.
// Prints the CPU time of one of them for each round trip. Alerts that come one by one wake each process on their way,
// so this tells how much of their CPU time and latency is the machine's.
//
//     node bench/ingest/wake-cost.mjs
import { fork } from 'node:child_process';
import { connect, createServer } from 'node:net';
import process, { argv, exit, stdout } from 'node:process';
import { fileURLToPath } from 'node:url';

const ROUND_TRIPS = 1_500;
const PAUSES_MS = [0, 2, 5];
const MESSAGE = Buffer.alloc(200, 'x');

if (argv[2] === 'answer') {
  const server = createServer({ noDelay: true }, (socket) => socket.on('data', (bytes) => socket.write(bytes)));
  server.listen(0, '127.0.0.1', () => process.send(server.address().port));
} else {
  const other = fork(fileURLToPath(import.meta.url), ['answer']);
  const port = await new Promise((resolve) => other.once('message', resolve));
  for (const pauseMs of PAUSES_MS) {
    const { cpuUs, tookUs } = await measure(port, pauseMs);
    stdout.write(`pause ${pauseMs} ms: ${cpuUs} µs of CPU a round trip, ${tookUs} µs by the clock without the pause\n`);
  }
  other.kill();
  exit();
}

function measure(port, pauseMs) {
  return new Promise((resolve) => {
    let left = ROUND_TRIPS;
    let sentAt;
    let waitedMs = 0;
    const socket = connect({ port, host: '127.0.0.1', noDelay: true });
    const ping = () => {
      sentAt = performance.now();
      socket.write(MESSAGE);
    };
    const before = process.cpuUsage();
    socket.on('connect', ping);
    socket.on('data', () => {
      waitedMs += performance.now() - sentAt;
      left -= 1;
      if (left > 0) return void (pauseMs === 0 ? ping() : setTimeout(ping, pauseMs));
      const { user, system } = process.cpuUsage(before);
      socket.destroy();
      resolve({
        cpuUs: Math.round((user + system) / ROUND_TRIPS),
        tookUs: Math.round((waitedMs * 1_000) / ROUND_TRIPS),
      });
    });
  });
}
