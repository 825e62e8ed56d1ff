import { createProxyServer } from 'httpxy';
import { Transform } from 'node:stream';
import type { IncomingMessage } from 'node:http';
import type { NextFunction, Request, Response } from 'express';
import { Refused } from '@tocsin/contracts';
import type { Metrics, ProxyOutcome } from '@tocsin/observability';
import { hasBody } from '../body/request-bodies';
import type { GatewayConfig } from '../config';
import type { LimitRequests } from '../limits/limit-requests.guard';
import { forwardedHeaders, removeHopByHop } from './forwarded-headers';
import { leavesItsPrefix, routeOf, type ProxyRoute } from '../http/proxy-routes';

export interface ProxyLimits {
  /** The largest body of a request, in bytes. */
  bodyBytes: number;
  /** How long a service may be silent, before its answer and within it, in milliseconds. */
  silenceMs: number;
  /** How many requests are under way at the same time, over all routes. */
  requests: number;
}
const LIMITS: ProxyLimits = { bodyBytes: 8 * 1024 * 1024, silenceMs: 60_000, requests: 200 };

/**
 * Sends requests on to other services by `PROXY_ROUTES`. Bodies and answers are passed on as they arrive, so an answer
 * may be a stream. Nothing is repeated: a request that may have reached the service is answered 502 or 504.
 */
export class ForwardRequests {
  private readonly proxy = createProxyServer({ prependPath: false });
  private readonly limits: ProxyLimits;
  private underWay = 0;

  constructor(
    private readonly config: Pick<GatewayConfig, 'PROXY_ROUTES' | 'TRUSTED_PROXIES'>,
    private readonly requests: Pick<LimitRequests, 'limitAddress'>,
    private readonly metrics: Metrics,
    limits: Partial<ProxyLimits> = {},
  ) {
    this.limits = { ...LIMITS, ...limits };
    this.proxy.on('proxyRes', (answer: IncomingMessage) => {
      removeHopByHop(answer.headers);
      delete answer.headers['x-powered-by'];
    });
  }

  /** Whether a request is one for another service. */
  takes(request: Request): boolean {
    return routeOf(this.config.PROXY_ROUTES, request.path) !== undefined;
  }

  /** Middleware before all routes: what it does not send on is the gateway's own. */
  readonly handle = (request: Request, response: Response, next: NextFunction): void => {
    const route = routeOf(this.config.PROXY_ROUTES, request.path);
    if (!route) return next();
    this.forward(route, request, response).then(
      (outcome) => this.metrics.proxiedRequests.inc({ outcome }),
      (error: unknown) => {
        this.metrics.proxiedRequests.inc({ outcome: outcomeOf(error) });
        next(error);
      },
    );
  };

  private async forward(route: ProxyRoute, request: Request, response: Response): Promise<ProxyOutcome> {
    if (leavesItsPrefix(request.path)) throw new Refused('invalid_request', 'A path has no "." or ".." in it.');
    await this.requests.limitAddress(request, response);
    if (this.underWay >= this.limits.requests)
      throw new Refused('overloaded', 'Too many requests to other services are under way.');
    this.underWay += 1;
    try {
      return await this.send(route, request, response);
    } finally {
      this.underWay -= 1;
    }
  }

  private send({ target }: ProxyRoute, request: Request, response: Response): Promise<ProxyOutcome> {
    const { bodyBytes, silenceMs } = this.limits;
    if (Number(request.headers['content-length'] ?? 0) > bodyBytes) throw tooLarge(bodyBytes);
    if (/^100-continue$/i.test(request.headers.expect ?? '')) response.writeContinue();
    request.headers = forwardedHeaders(request, target, this.config.TRUSTED_PROXIES);
    return new Promise((resolve, reject) => {
      const askedAt = performance.now();
      const fail = (error: NodeJS.ErrnoException) => {
        if (response.headersSent) return void response.destroy();
        reject(refusalFor(error, performance.now() - askedAt >= silenceMs));
      };
      response.once('close', () => resolve(response.headersSent ? 'answered' : 'client_left'));
      // counted as it passes, because a body without a length may be of any size
      const body = hasBody(request) ? request.pipe(atMost(bodyBytes)) : undefined;
      body?.once('error', fail);
      this.proxy
        .web(request, response, { target, proxyTimeout: silenceMs, ...(body && { buffer: body }) })
        .catch((error: NodeJS.ErrnoException) => fail(error));
    });
  }
}

const tooLarge = (most: number) => new Refused('body_too_large', `At most ${most} bytes are accepted.`);

function atMost(most: number): Transform {
  let bytes = 0;
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      bytes += chunk.length;
      if (bytes > most) done(tooLarge(most));
      else done(null, chunk);
    },
  });
}

function refusalFor(error: Error, wasSilent: boolean): Error {
  if (error instanceof Refused) return error;
  return wasSilent
    ? new Refused('upstream_timeout', 'The service did not answer in time.')
    : new Refused('upstream_unavailable', 'The service could not be reached, or broke off before its answer.');
}

function outcomeOf(error: unknown): ProxyOutcome {
  const code = error instanceof Refused ? error.code : undefined;
  if (code === 'upstream_timeout') return 'timeout';
  return code === 'upstream_unavailable' ? 'unavailable' : 'refused';
}
