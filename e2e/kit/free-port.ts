import { randomInt } from 'node:crypto';
import { createServer } from 'node:net';

/**
 * Below the range from which kernels take the ports of outgoing connections: such a connection could take a port while
 * its server is stopped.
 */
const [LOWEST, BEHIND] = [20_000, 32_768];

/**
 * A port on 127.0.0.1 for a server that needs the same port again after a restart. No process uses it in the meantime.
 */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = randomInt(LOWEST, BEHIND);
    const server = createServer();
    const free = await new Promise<boolean>((resolve) =>
      server.once('error', () => resolve(false)).listen(port, '127.0.0.1', () => resolve(true)),
    );
    if (!free) continue;
    await new Promise((resolve) => server.close(resolve));
    return port;
  }
}
