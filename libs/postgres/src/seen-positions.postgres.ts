import type { TenantId } from '@tocsin/contracts';
import type { Reader, SeenPosition, SeenPositions } from '@tocsin/contracts/ports';
import type { Database } from './database';

/** Seen positions in the table `seen`, which only functions may read and write. */
export class PostgresSeenPositions implements SeenPositions {
  constructor(private readonly database: Database) {}

  async of({ issuer, user_id }: Reader, tenants: readonly TenantId[]): Promise<SeenPosition[]> {
    if (tenants.length === 0) return [];
    return this.database.call<SeenPosition>('select * from tocsin.seen_positions($1, $2, $3)', [
      user_id,
      tenants,
      issuer,
    ]);
  }

  async advance({ issuer, user_id }: Reader, positions: readonly SeenPosition[]): Promise<void> {
    if (positions.length === 0) return;
    await this.database.call('select tocsin.advance_seen($1, $2, $3, $4, $5)', [
      user_id,
      positions.map(({ tenant_id }) => tenant_id),
      positions.map(({ epoch }) => epoch),
      positions.map(({ seq }) => seq),
      issuer,
    ]);
  }
}
