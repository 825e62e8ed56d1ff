import type { SessionStore, StoredSession } from '@tocsin/contracts/ports';
import type { Database } from './database';

/** The time that the port allows, in milliseconds. */
const withinTime = { withinMs: 2_000 };

interface SessionRow {
  sealed: string;
  version: number;
  signed_in_at: string;
  ends_at: string;
}

/** Sessions in the table `session`, which functions alone can reach. */
export class PostgresSessionStore implements SessionStore {
  constructor(private readonly database: Database) {}

  async create(sessionId: string, sealed: string, lastsMs: number): Promise<void> {
    await this.database.call(
      'select tocsin.create_session($1, $2, $3)',
      [sessionId, sealed, interval(lastsMs)],
      withinTime,
    );
  }

  async use(sessionId: string, idleMs: number): Promise<StoredSession | undefined> {
    const [row] = await this.database.call<SessionRow>(
      'select * from tocsin.use_session($1, $2)',
      [sessionId, interval(idleMs)],
      withinTime,
    );
    return row && { ...row, signed_in_at: Date.parse(row.signed_in_at), ends_at: Date.parse(row.ends_at) };
  }

  async claimRenewal(sessionId: string, version: number, leaseMs: number): Promise<boolean> {
    const [row] = await this.database.call<{ claimed: boolean }>(
      'select tocsin.claim_session_renewal($1, $2, $3) as claimed',
      [sessionId, version, interval(leaseMs)],
      withinTime,
    );
    return row!.claimed;
  }

  async renew(sessionId: string, version: number, sealed: string): Promise<boolean> {
    const [row] = await this.database.call<{ stored: boolean }>(
      'select tocsin.renew_session($1, $2, $3) as stored',
      [sessionId, version, sealed],
      withinTime,
    );
    return row!.stored;
  }

  async end(sessionId: string): Promise<void> {
    await this.database.call('select tocsin.end_session($1)', [sessionId], withinTime);
  }
}

const interval = (ms: number): string => `${ms} milliseconds`;
