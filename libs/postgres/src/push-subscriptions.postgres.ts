import { createHash } from 'node:crypto';
import type { PushBrowser, PushKeys, TenantId } from '@tocsin/contracts';
import { MAX_BROWSERS, type PushSubscriptions, type PushTarget, type Reader } from '@tocsin/contracts/ports';
import type { Database } from './database';

/**
 * How long a subscription lasts after its last renewal. A subscription must not outlive the revocation that has ended
 * it, which is in force for longer (`REVOCATION_IN_FORCE_MS`).
 */
const LASTING = '30 days';

interface BrowserRow {
  endpoint: string;
  tenants: string[];
  renewed_at: string;
  expires_at: string;
}

/** Push subscriptions in the table `push_subscription`, which only functions may read and write. */
export class PostgresPushSubscriptions implements PushSubscriptions {
  constructor(private readonly database: Database) {}

  async subscribe(
    { user_id, issuer }: Reader,
    tenants: readonly TenantId[],
    { endpoint, p256dh, auth }: PushKeys,
    issuedAt: number | null,
  ): Promise<void> {
    await this.database.call('select tocsin.subscribe_push($1, $2, $3, $4, $5, $6, $7, $8)', [
      user_id,
      issuer,
      tenants,
      endpoint,
      p256dh,
      auth,
      MAX_BROWSERS,
      // a date before 1970 has a spelling of its own in PostgreSQL, and no token is that old
      issuedAt === null || issuedAt < 0 ? '-infinity' : new Date(issuedAt).toISOString(),
    ]);
  }

  async of({ user_id, issuer }: Reader, tenants: readonly TenantId[]): Promise<PushBrowser[]> {
    const rows = await this.database.call<BrowserRow>('select * from tocsin.push_browsers_of($1, $2, $3, $4)', [
      user_id,
      issuer,
      tenants,
      LASTING,
    ]);
    return rows.map(({ endpoint, ...browser }) => ({
      browser_id: createHash('sha256').update(endpoint).digest('hex'),
      ...browser,
    }));
  }

  async unsubscribe({ user_id, issuer }: Reader, tenants: readonly TenantId[], browserId: string): Promise<boolean> {
    const [row] = await this.database.call<{ known: boolean }>(
      'select tocsin.unsubscribe_push($1, $2, $3, $4) as known',
      [user_id, issuer, tenants, browserId],
    );
    return row!.known;
  }

  to(tenant: TenantId, userId: string, deliveryId: string): Promise<PushTarget[]> {
    return this.database.call<PushTarget>('select * from tocsin.push_targets($1, $2, $3, $4)', [
      tenant,
      userId,
      deliveryId,
      LASTING,
    ]);
  }

  async noteTaken(tenant: TenantId, endpoints: readonly string[], deliveryId: string): Promise<void> {
    await this.database.call('select tocsin.note_push_taken($1, $2, $3)', [tenant, endpoints, deliveryId]);
  }

  async forget(endpoints: readonly string[]): Promise<void> {
    await this.database.call('select tocsin.forget_push($1)', [endpoints]);
  }
}
