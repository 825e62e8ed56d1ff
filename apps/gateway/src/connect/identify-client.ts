import { Refused, type Membership } from '@tocsin/contracts';
import {
  judgeToken,
  type Revocations,
  type SessionDoor,
  type Tickets,
  type TokenVerifier,
  type VerifiedToken,
} from '@tocsin/auth';
import { tenantsAskedFor, type VisibleTenants } from '../access/visible-tenants';
import type { GatewayConfig } from '../config';
import { HELD_FOR_MS, STREAM_SCOPES } from '../live/lifetime';
import type { Credential, StreamRequest } from './stream-request';

/** The client that asks for a stream, and the tenants that it may follow. */
export interface Client {
  right: VerifiedToken;
  memberships: readonly Membership[];
}

/** Identifies the client: verifies its credential and finds the tenants that it gives access to. */
export class IdentifyClient {
  constructor(
    private readonly verifier: TokenVerifier,
    private readonly tickets: Tickets,
    private readonly tenants: VisibleTenants,
    private readonly revocations: Revocations,
    private readonly config: GatewayConfig,
    private readonly sessions: Pick<SessionDoor, 'cookieName' | 'rightOf'>,
  ) {}

  /** The name of the cookie of a session; undefined where there are none. */
  get sessionCookie(): string | undefined {
    return this.sessions.cookieName;
  }

  /**
   * Throws `Refused` when the credential is invalid, not accepted here, revoked or without `alerts:read`, and when a
   * named tenant is not the user's; `Unavailable` when the tenant service does not answer.
   */
  async of({ credential, tenants }: Pick<StreamRequest, 'credential' | 'tenants'>): Promise<Client> {
    const right = await this.authenticate(credential);
    const mine = await this.tenants.of(right, { heldForMs: HELD_FOR_MS });
    return { right, memberships: tenantsAskedFor(mine, tenants) };
  }

  private async authenticate({ kind, value }: Credential): Promise<VerifiedToken> {
    if (kind === 'query_token' && !this.config.STREAM_QUERY_TOKEN) {
      throw new Refused(
        'query_token_denied',
        'A token in the address is not accepted here: use a ticket or the Authorization header.',
      );
    }
    const right = await this.rightOf(kind, value);
    judgeToken(right, this.revocations, STREAM_SCOPES);
    return right;
  }

  private rightOf(kind: Credential['kind'], value: string): Promise<VerifiedToken> | VerifiedToken {
    switch (kind) {
      case 'ticket':
        return this.tickets.redeem(value);
      case 'cookie':
        return this.tickets.accept(value);
      case 'session':
        return this.sessions.rightOf(value);
      default:
        return this.verifier.verify(value);
    }
  }
}
