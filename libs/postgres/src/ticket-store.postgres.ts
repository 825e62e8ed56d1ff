import type { TicketStore } from '@tocsin/contracts/ports';
import type { Database } from './database';

/** What the port allows for an answer. */
const ANSWER_WITHIN_MS = 600;

/** Single-use tickets in PostgreSQL: of two inserts of one key, one succeeds. For when Redis is away. */
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
