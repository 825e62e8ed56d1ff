import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { MeasuredStream } from './measured-stream';

let server: Server;
afterEach(async () => {
  server.closeAllConnections();
  server.close();
  await once(server, 'close');
});

test('a stream whose first frame is held back is not open in time', async () => {
  server = createServer((_, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' }).flushHeaders();
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const target = new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/api/events`);
  const stream = new MeasuredStream(target, 'token', new AbortController().signal);
  await expect(stream.open(200)).rejects.toThrow(
    `${target.origin} sent no frame within 0.2 s. npm run doctor says more.`,
  );
  stream.close();
});
