import { Refused, type Membership } from '@tocsin/contracts';
import { judgeToken, type Revocations, type Tickets, type TokenVerifier, type VerifiedToken } from '@tocsin/auth';
import { tenantsAskedFor, type VisibleTenants } from '../access/visible-tenants';
import type { GatewayConfig } from '../config';
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
  ) {}

  /**
   * Throws `Refused` when the credential is invalid, not accepted here, revoked or without `alerts:read`, and when a
   * named tenant is not the user's; `Unavailable` when the tenant service does not answer.
   */
  async of({ credential, tenants }: Pick<StreamRequest, 'credential' | 'tenants'>): Promise<Client> {
    const right = await this.authenticate(credential);
    return { right, memberships: tenantsAskedFor(await this.tenants.of(right), tenants) };
  }

  private async authenticate({ kind, value }: Credential): Promise<VerifiedToken> {
    if (kind === 'query_token' && !this.config.STREAM_QUERY_TOKEN) {
      throw new Refused(
        'query_token_denied',
        'A token in the address is not accepted here: use a ticket or the Authorization header.',
      );
    }
    const right =
      kind === 'ticket'
        ? await this.tickets.redeem(value)
        : kind === 'cookie'
          ? this.tickets.accept(value)
          : await this.verifier.verify(value);
    judgeToken(right, this.revocations, ['alerts:read']);
    return right;
  }
}
