import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface KnownTenant {
  id: string;
  name?: string;
  role?: string;
}

/** A foreign tenant service: users and their tenants over HTTP. It can be slow, wrong, or away. */
export class TenantService {
  /** Every request, in order: the user, the credential, and the time (milliseconds of `performance.now()`). */
  readonly requests: { user: string; authorization: string | undefined; at: number }[] = [];
  /** How long a response takes, in milliseconds. */
  delayMs = 0;
  /** Connections are accepted and dropped. */
  away = false;
  /** Requests are accepted and not answered. */
  frozen = false;
  /**
   * Answers by the claims of the request's token, as a service does that decides by the user's own token; undefined:
   * 503.
   */
  byClaims: ((claims: Record<string, unknown>) => readonly string[] | undefined) | undefined;
  /** The response that it sends instead of its lists. */
  answersWith: { status: number; body: string } | undefined;
  private readonly server: Server;

  private constructor(readonly tenants: Map<string, KnownTenant[]>) {
    this.server = createServer((request, response) => this.answer(request, response));
  }

  /** `tenants`: user → ids. */
  static async start(tenants: Record<string, readonly (string | KnownTenant)[]> = {}): Promise<TenantService> {
    const service = new TenantService(new Map());
    for (const [user, list] of Object.entries(tenants)) service.assign(user, list);
    await new Promise<void>((resolve) =>
      service.server.listen({ port: 0, host: '127.0.0.1', backlog: 4_096 }, resolve),
    );
    return service;
  }

  assign(user: string, tenants: readonly (string | KnownTenant)[]): void {
    this.tenants.set(
      user,
      tenants.map((tenant) => (typeof tenant === 'string' ? { id: tenant, name: `The ${tenant}` } : tenant)),
    );
  }

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  requestsFor(user: string): number {
    return this.requests.filter((request) => request.user === user).length;
  }

  async close(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }

  private answer(request: IncomingMessage, response: ServerResponse): void {
    if (this.away) return void request.socket.destroy();
    const user = decodeURIComponent(/^\/api\/v1\/users\/([^/]+)\/tenants$/.exec(request.url ?? '')?.[1] ?? '');
    this.requests.push({ user, authorization: request.headers.authorization, at: performance.now() });
    if (this.frozen) return;
    const tenants = this.byClaims
      ? this.byClaims(claimsOf(request.headers.authorization))?.map((id) => ({ id }))
      : this.tenants.get(user);
    if (this.byClaims && !tenants) return void response.writeHead(503).end();
    const { status, body } =
      this.answersWith ?? (tenants ? { status: 200, body: JSON.stringify({ tenants }) } : { status: 404, body: '{}' });
    setTimeout(() => response.writeHead(status, { 'Content-Type': 'application/json' }).end(body), this.delayMs);
  }
}

const claimsOf = (authorization = ''): Record<string, unknown> =>
  JSON.parse(Buffer.from(authorization.split('.')[1] ?? '', 'base64url').toString() || '{}') as Record<string, unknown>;
