import { randomInt } from 'node:crypto';
import { createServer } from 'node:net';

/** Below the ports that kernels give to outgoing connections: one of those could sit on a port while its server is stopped. */
const [LOWEST, BEHIND] = [20_000, 32_768];

/** A port on 127.0.0.1 for a server that must have the same one again after a restart. Nobody holds it meanwhile. */
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
