import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { ProviderMood } from './delivery-channel.contract';

const STATUS = { accept: 200, refuse: 400, busy: 503 } as const;
const CHUNK = Buffer.alloc(64 * 1024, 'x');

/** A local HTTP server that plays a provider, with the provider's statuses for each mood. */
export class HttpProvider {
  /** The header fields and the body of each complete request. */
  readonly requests: string[] = [];
  mood: ProviderMood = 'accept';
  private readonly server = createServer((request, response) => {
    if (this.mood === 'hang_up') return void request.socket.destroy();
    let body = '';
    request.on('data', (chunk: Buffer) => (body += chunk.toString()));
    request.on('end', () => {
      this.requests.push(`${JSON.stringify(request.headers)}\n${body}`);
      if (this.mood === 'silent') return;
      if (this.mood !== 'flood') return void response.writeHead(STATUS[this.mood as keyof typeof STATUS]).end('{}');
      const write = (): void => {
        if (!response.destroyed) response.write(CHUNK, () => setImmediate(write));
      };
      response.writeHead(200);
      write();
    });
  });

  static async start(): Promise<HttpProvider> {
    const provider = new HttpProvider();
    await new Promise<void>((resolve) => provider.server.listen(0, '127.0.0.1', resolve));
    return provider;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  async close(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }
}
