import type { TicketStore } from '@tocsin/contracts/ports';
import type { Database } from './database';

/** The time that the port allows, in milliseconds. */
const ANSWER_WITHIN_MS = 600;

/** Single-use tickets in PostgreSQL, for when Redis is away. When a key is inserted twice, one insert succeeds. */
export class PostgresTicketStore implements TicketStore {
  constructor(private readonly database: Database) {}

  async redeem(jti: string, expiresAt: Date): Promise<boolean> {
    const [row] = await this.database.call<{ first: boolean }>(
      'select tocsin.redeem_ticket($1, $2) as first',
      [jti, expiresAt.toISOString()],
      {
        withinMs: ANSWER_WITHIN_MS,
      },
    );
    return row!.first;
  }
}
