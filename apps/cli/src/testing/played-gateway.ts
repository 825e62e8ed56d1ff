import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

interface Published {
  path: string;
  token: string;
  messages: { id: string; tenant_id: string; service: string; severity: string; title: string }[];
}

type Answer = (request: Published, response: ServerResponse) => void;

const accept: Answer = ({ messages }, response) => respond(response, 202, { ids: messages.map(({ id }) => id) });

/** Responds as the gateway does. An error has a problem as its body. */
export function respond(response: ServerResponse, status: number, body: unknown): void {
  response
    .writeHead(status, { 'content-type': status < 400 ? 'application/json' : 'application/problem+json' })
    .end(JSON.stringify(body));
}

/**
 * A test double of the gateway's HTTP intake on a real socket. It accepts everything until a test says otherwise, and
 * can go away.
 */
export class PlayedGateway {
  readonly requests: Published[] = [];
  /** The next responses, in their order. After them everything is accepted. */
  readonly next: Answer[] = [];
  private server: Server | undefined;
  private port = 0;

  static async open(): Promise<PlayedGateway> {
    const gateway = new PlayedGateway();
    await gateway.comeBack();
    return gateway;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** Every message that got a 202, in their order. */
  readonly accepted: Published['messages'] = [];

  /** Listens again, on the same port. */
  async comeBack(): Promise<void> {
    const server = createServer((request, response) => void this.answer(request, response));
    this.server = server;
    await new Promise<void>((resolve) => server.listen(this.port, '127.0.0.1', resolve));
    this.port = (server.address() as AddressInfo).port;
  }

  /** Cuts every connection and stops listening. */
  async goAway(): Promise<void> {
    const { server } = this;
    this.server = undefined;
    server?.closeAllConnections();
    if (server) await new Promise((resolve) => server.close(resolve));
  }

  private async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const body: unknown = JSON.parse(Buffer.concat(chunks).toString());
    const messages = (Array.isArray(body) ? body : [body]) as Published['messages'];
    const published = {
      path: `${request.method} ${request.url}`,
      token: (request.headers.authorization ?? '').replace(/^Bearer /, ''),
      messages,
    };
    this.requests.push(published);
    response.on('finish', () => {
      if (response.statusCode === 202) this.accepted.push(...messages);
    });
    (this.next.shift() ?? accept)(published, response);
  }
}
