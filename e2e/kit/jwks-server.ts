import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A token issuer's public keys over HTTP: one RSA key, whose id is `current`. */
export class JwksServer {
  requests = 0;
  /** The status of its response; other than 200 there is no body. */
  status = 200;
  keysOf: (own: object) => readonly unknown[] = (own) => [own];
  private readonly keys = generateKeyPairSync('rsa', { modulusLength: 2048 });
  private readonly server: Server = createServer((_request, response) => {
    this.requests += 1;
    const key = { ...this.keys.publicKey.export({ format: 'jwk' }), kid: 'current', alg: 'RS256', use: 'sig' };
    response
      .writeHead(this.status, { 'Content-Type': 'application/json' })
      .end(this.status === 200 ? JSON.stringify({ keys: this.keysOf(key) }) : '');
  });

  static async start(): Promise<JwksServer> {
    const jwks = new JwksServer();
    await new Promise<void>((resolve) => jwks.server.listen(0, '127.0.0.1', resolve));
    return jwks;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}/jwks.json`;
  }

  get privateKey(): KeyObject {
    return this.keys.privateKey;
  }

  get publicPem(): string {
    return this.keys.publicKey.export({ type: 'spki', format: 'pem' }).toString();
  }

  async close(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }
}
