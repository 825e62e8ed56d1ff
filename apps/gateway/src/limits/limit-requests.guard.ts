import {
  Injectable,
  type CallHandler,
  type CanActivate,
  type ExecutionContext,
  type NestInterceptor,
} from '@nestjs/common';
import type { Request, Response } from 'express';
import type { Observable } from 'rxjs';
import { personOf, type AuthenticatedRequest, type VerifiedToken } from '@tocsin/auth';
import { Refused } from '@tocsin/contracts';
import { Metrics } from '@tocsin/observability';
import { GatewayConfig } from '../config';
import { patternOf } from '../http/base-path';
import { TOPIC_PATH } from '../http/stream-path';
import { clientAddress } from '../request/client-address';
import { RequestLimits, type LimitedRequest } from './request-limits';

/**
 * Streams have limits of their own; the page and the documents have none. A provider's calls are signed, come for many
 * users from few addresses, and are not repeated when they are refused; `TwilioCallbacks` limits forged ones.
 */
const LIMITED = String.raw`/api/(v1/(?!providers/)|events/ticket)`;

const REFUSALS: Record<LimitedRequest['scope'], string> = {
  user: 'This user has sent too many requests.',
  token: 'Too many requests were sent with this token.',
  address: 'Too many requests came from this address.',
};

/**
 * Counts the requests of an address before its credential is looked at, and those of a user and of a token after it.
 */
@Injectable()
export class LimitRequests implements CanActivate, NestInterceptor {
  private readonly limited: RegExp;
  private readonly topics: RegExp;

  constructor(
    private readonly limits: RequestLimits,
    private readonly config: GatewayConfig,
    private readonly metrics: Metrics,
  ) {
    const base = patternOf(config.BASE_PATH ?? '');
    this.limited = new RegExp(`^${base}${LIMITED}`, 'i');
    this.topics = new RegExp(`^${base}${TOPIC_PATH}`, 'i');
  }

  async canActivate(context: ExecutionContext): Promise<boolean> {
    const http = context.switchToHttp();
    const request = http.getRequest<Request>();
    if (this.isLimited(request)) await this.limitAddress(request, http.getResponse());
    return true;
  }

  /** Counts a request of its address. Throws `Refused` beyond the limit. */
  async limitAddress(request: Request, response: Response): Promise<void> {
    const address = clientAddress(request, this.config.TRUSTED_PROXIES);
    this.judge([await this.limits.count('address', address)], response);
  }

  async intercept(context: ExecutionContext, next: CallHandler): Promise<Observable<unknown>> {
    const http = context.switchToHttp();
    const request = http.getRequest<Request & Partial<AuthenticatedRequest>>();
    const { verifiedToken: token } = request;
    if (token && this.isLimited(request)) await this.limitToken(token, http.getResponse());
    return next.handle();
  }

  /**
   * Counts a request of its token and of the token's user. Throws `Refused` beyond a limit. For a route whose
   * credential is in the body: the others are counted before their bodies are read.
   */
  async limitToken(token: VerifiedToken, response: Response): Promise<void> {
    const person = personOf(token);
    this.judge(
      [
        await this.limits.count('user', person),
        // a token without an id is known by the time at which its user got it
        await this.limits.count('token', `${person}\n${token.jti ?? token.issued_at ?? ''}`),
      ],
      response,
    );
  }

  private isLimited({ method, path }: Request): boolean {
    return this.limited.test(path) && !(method === 'GET' && this.topics.test(path));
  }

  /** Tells the client how its limits stand, and refuses what is beyond one. */
  private judge(counted: readonly (LimitedRequest | undefined)[], response: Response): void {
    for (const one of counted) {
      if (!one) continue;
      response.append('RateLimit-Policy', `"${one.scope}";q=${one.limit};w=60`);
      response.append('RateLimit', `"${one.scope}";r=${one.remaining};t=${secondsOf(one)}`);
    }
    const refused = counted.find((one) => one?.allowed === false);
    if (!refused) return;
    this.metrics.requestsLimited.inc({ scope: refused.scope });
    throw new Refused('rate_limited', `${REFUSALS[refused.scope]} Come back in ${secondsOf(refused)} s.`, {
      retry_after_s: secondsOf(refused),
    });
  }
}

const secondsOf = ({ resetMs }: LimitedRequest): number => Math.max(1, Math.ceil(resetMs / 1_000));
