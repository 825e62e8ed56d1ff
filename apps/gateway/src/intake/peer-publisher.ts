import {
  admit,
  bearerToken,
  judgeToken,
  Revocations,
  TokenVerifier,
  type AuthenticatedRequest,
  type Scope,
  type VerifiedToken,
} from '@tocsin/auth';
import type { Request } from 'express';
import type { VisibleTenants } from '../access/visible-tenants';
import type { LimitRequests } from '../limits/limit-requests.guard';
import type { Publisher } from './publish-events';

const NEEDED: readonly Scope[] = ['events:publish'];

/**
 * Identifies the publisher on an endpoint that imitates another system: by a service token in the place where that
 * system's clients put their key. The token is verified like any other.
 */
export class PeerPublisher {
  constructor(
    private readonly verifier: TokenVerifier,
    private readonly revocations: Revocations,
    private readonly tenants: VisibleTenants,
    private readonly limits: Pick<LimitRequests, 'limitToken'>,
  ) {}

  /**
   * Returns the publisher of a request. `key`: the key from the body, used when no header has one. A request that no
   * guard has admitted is counted here, because its token was not known before. Throws `Refused` and `Unavailable` as
   * every guarded route does.
   */
  async of(request: Request & Partial<Pick<AuthenticatedRequest, 'verifiedToken'>>, key?: string): Promise<Publisher> {
    const token = request.verifiedToken ?? (await this.judged(request, key));
    return { by: token.user_id, publishesFor: this.tenants.publisher(token), traceparent: request.get('traceparent') };
  }

  /** For a guard: admits a request by the token in its head, before its body is read. Throws as `of` does. */
  async admit(request: Request): Promise<void> {
    admit(request, await this.verified(request), this.revocations, NEEDED);
  }

  private async judged(request: Request, key: string | undefined): Promise<VerifiedToken> {
    const token = await this.verified(request, key);
    judgeToken(token, this.revocations, NEEDED);
    await this.limits.limitToken(token, request.res!);
    return token;
  }

  private verified(request: Request, key?: string): Promise<VerifiedToken> {
    return this.verifier.verify(keyOfHeader(request) ?? bearerToken(request) ?? key);
  }
}

/** The key in the Authorization header, in Opsgenie's scheme. */
const keyOfHeader = (request: Request): string | undefined =>
  /^GenieKey +([A-Za-z0-9._~+/=-]+) *$/i.exec(request.get('Authorization') ?? '')?.[1];
