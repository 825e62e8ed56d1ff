import {
  bearerToken,
  judgeToken,
  Revocations,
  TokenVerifier,
  type AuthenticatedRequest,
  type VerifiedToken,
} from '@tocsin/auth';
import type { Request } from 'express';
import type { VisibleTenants } from '../access/visible-tenants';
import type { Publisher } from './publish-events';

/**
 * Identifies the publisher on an endpoint that imitates another system: by a service token in the place where that
 * system's clients put their key. The token is verified like any other.
 */
export class PeerPublisher {
  constructor(
    private readonly verifier: TokenVerifier,
    private readonly revocations: Revocations,
    private readonly tenants: VisibleTenants,
  ) {}

  /**
   * Returns the publisher of a request. `key`: the key from the body, used when no header has one. Throws `Refused` and
   * `Unavailable` as every guarded route does.
   */
  async of(request: Request & Partial<Pick<AuthenticatedRequest, 'verifiedToken'>>, key?: string): Promise<Publisher> {
    const token = request.verifiedToken ?? (await this.verified(request, key));
    return { by: token.user_id, publishesFor: this.tenants.publisher(token), traceparent: request.get('traceparent') };
  }

  /**
   * The verified token of a request: from its head, or from the body's `key` when that is given. Throws as `of` does.
   */
  async verified(request: Request, key?: string): Promise<VerifiedToken> {
    const token = await this.verifier.verify(keyOfHeader(request) ?? bearerToken(request) ?? key);
    judgeToken(token, this.revocations, ['events:publish']);
    return token;
  }
}

/** The key in the Authorization header, in Opsgenie's scheme. */
const keyOfHeader = (request: Request): string | undefined =>
  /^GenieKey +([A-Za-z0-9._~+/=-]+) *$/i.exec(request.get('Authorization') ?? '')?.[1];
