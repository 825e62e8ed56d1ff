import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { HealthChecks } from './health-checks';
import type { Metrics } from './metrics';

interface AdminServerOptions {
  /** The port to listen on. 0 takes a free one. */
  port: number;
  /** The address to listen on. Default: every interface, for the probes of an orchestrator. */
  host?: string;
  version: string;
  /** Default: `/livez`, `/readyz` and `/health`. */
  paths?: { live: string; ready: string; health: string };
}

interface Answer {
  status: number;
  type: string;
  body: string;
}

/** How long a probe may take to send its request, in milliseconds. */
const REQUEST_TIMEOUT_MS = 5_000;

/**
 * The HTTP server for operators and orchestrators, on a port of its own, so that it answers before the public port is
 * open and after it is closed. Its responses name no host and hold no secret.
 *
 * - `/livez`: 200 while the process answers. It checks no dependency: an outage elsewhere must not restart every
 *   process.
 * - `/readyz`: 200, or 503 with the reason.
 * - `/health`: 200, or 503 when a dependency is down that the app needs; JSON either way.
 * - `/metrics`: for Prometheus.
 *
 * With `offer` an app adds routes of its own, read-only and as JSON.
 */
export class AdminServer {
  private readonly server: Server;
  private readonly startedAt = performance.now();
  private listening: Promise<void> | undefined;
  private readonly paths: { live: string; ready: string; health: string };
  private readonly offered = new Map<string, () => object>();

  constructor(
    private readonly checks: HealthChecks,
    private readonly metrics: Metrics,
    private readonly options: AdminServerOptions,
  ) {
    this.paths = options.paths ?? { live: '/livez', ready: '/readyz', health: '/health' };
    this.server = createServer(
      { requestTimeout: REQUEST_TIMEOUT_MS, headersTimeout: REQUEST_TIMEOUT_MS },
      (request, response) => void this.serve(request, response),
    );
  }

  /** Answers GET `path` with what `read` returns. */
  offer(path: string, read: () => object): void {
    this.offered.set(path, read);
  }

  /** Opens the port. May be called twice. Rejects when the port is taken. */
  listen(): Promise<void> {
    this.listening ??= new Promise((resolve, reject) => {
      this.server.once('error', reject);
      this.server.listen({ port: this.options.port, host: this.options.host }, () => resolve());
    });
    return this.listening;
  }

  /** The port that is open; undefined before `listen` and after `close`. */
  address(): { port: number } | undefined {
    const address = this.server.address() as AddressInfo | null;
    return address ? { port: address.port } : undefined;
  }

  /** Closes the port and every connection. May be called twice, and without `listen`. */
  async close(): Promise<void> {
    if (!this.server.listening) return;
    await new Promise<void>((resolve) => {
      this.server.close(() => resolve());
      this.server.closeAllConnections();
    });
  }

  private async serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { status, type, body } = await this.answer(request).catch(() =>
      problem(500, 'internal_error', 'Something went wrong.'),
    );
    response.writeHead(status, {
      'Content-Type': type,
      'Content-Length': Buffer.byteLength(body),
      'Cache-Control': 'no-store',
      ...(status === 405 ? { Allow: 'GET, HEAD' } : {}),
    });
    response.end(request.method === 'HEAD' ? undefined : body);
  }

  private async answer(request: IncomingMessage): Promise<Answer> {
    if (request.method !== 'GET' && request.method !== 'HEAD')
      return problem(405, 'method_not_allowed', 'Only GET and HEAD are answered here.');
    const path = request.url?.split('?')[0] ?? '';
    const { live, ready, health } = this.paths;
    switch (path) {
      case live:
        return json(200, await this.checks.liveness());
      case ready: {
        const reason = await this.checks.unreadiness();
        return reason ? problem(503, 'not_ready', `Not ready: ${reason}.`, { reason }) : json(200, { status: 'ready' });
      }
      case health: {
        const { status, dependencies } = await this.checks.report();
        const reason = await this.checks.unreadiness();
        return json(status === 'down' ? 503 : 200, {
          status,
          version: this.options.version,
          // the laws of time zones that local times are computed by
          tz: process.versions.tz,
          uptime_seconds: Math.round((performance.now() - this.startedAt) / 1000),
          ready: reason === undefined,
          ...(reason ? { not_ready_reason: reason } : {}),
          dependencies,
        });
      }
      case '/metrics':
        return { status: 200, type: this.metrics.registry.contentType, body: await this.metrics.registry.metrics() };
      default: {
        const read = this.offered.get(path);
        const here = [live, ready, health, '/metrics', ...this.offered.keys()];
        return read
          ? json(200, read())
          : problem(404, 'not_found', `Here are ${here.slice(0, -1).join(', ')} and ${here.at(-1)}.`);
      }
    }
  }
}

const json = (status: number, body: object): Answer => ({
  status,
  type: 'application/json',
  body: `${JSON.stringify(body)}\n`,
});

const problem = (status: number, code: string, detail: string, more: object = {}): Answer => ({
  ...json(status, { type: 'about:blank', title: detail, status, code, ...more }),
  type: 'application/problem+json',
});
