import type { TenantId } from '@tocsin/contracts';
import type { SeenPosition, SeenPositions } from '@tocsin/contracts/ports';
import type { Database } from './database';

/** The table `seen`, reached through functions alone. */
export class PostgresSeenPositions implements SeenPositions {
  constructor(private readonly database: Database) {}

  async of(userId: string, tenants: readonly TenantId[]): Promise<SeenPosition[]> {
    if (tenants.length === 0) return [];
    return this.database.call<SeenPosition>('select * from tocsin.seen_positions($1, $2)', [userId, tenants]);
  }

  async advance(userId: string, positions: readonly SeenPosition[]): Promise<void> {
    if (positions.length === 0) return;
    await this.database.call('select tocsin.advance_seen($1, $2, $3, $4)', [
      userId,
      positions.map(({ tenant_id }) => tenant_id),
      positions.map(({ epoch }) => epoch),
      positions.map(({ seq }) => seq),
    ]);
  }
}
