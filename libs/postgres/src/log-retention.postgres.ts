import type { LogRetention, RetentionStep } from '@tocsin/contracts/ports';
import type { Database } from './database';

/**
 * How many tenants one step reads and how many rows it deletes: some 100 ms of work, far below the statement timeout.
 */
const TENANTS_AT_ONCE = 200;
const ROWS_AT_ONCE = 5_000;

/** Retention in PostgreSQL. Each step is one function call and one commit. */
export class PostgresLogRetention implements LogRetention {
  constructor(
    private readonly database: Database,
    private readonly rowsAtOnce = ROWS_AT_ONCE,
    private readonly tenantsAtOnce = TENANTS_AT_ONCE,
  ) {}

  async release(keptMs: number, behind = ''): Promise<RetentionStep> {
    const sql = 'select tocsin.release_entries($1, make_interval(secs => $2), $3) as next';
    const [step] = await this.database.call<RetentionStep>(sql, [behind, keptMs / 1000, this.tenantsAtOnce]);
    return step!;
  }

  async deleteReleased(behind = ''): Promise<RetentionStep & { deleted: number }> {
    const [step] = await this.database.call<RetentionStep & { deleted: number }>(
      'select * from tocsin.delete_released($1, $2, $3)',
      [behind, this.tenantsAtOnce, this.rowsAtOnce],
    );
    return step!;
  }

  async deleteSettled(keptMs: number, behind = ''): Promise<RetentionStep & { deleted: number }> {
    const [step] = await this.database.call<RetentionStep & { deleted: number }>(
      'select * from tocsin.delete_settled($1, make_interval(secs => $2), $3, $4)',
      [behind, keptMs / 1000, this.tenantsAtOnce, this.rowsAtOnce],
    );
    return step!;
  }

  async forgetIds(keptMs: number): Promise<number> {
    const [row] = await this.database.call<{ forgotten: number }>(
      'select tocsin.forget_ids(make_interval(secs => $1), $2) as forgotten',
      [keptMs / 1000, this.rowsAtOnce],
    );
    return row!.forgotten;
  }
}
