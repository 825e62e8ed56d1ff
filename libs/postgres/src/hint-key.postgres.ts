import { Unavailable } from '@tocsin/contracts';
import type { HintKey } from '@tocsin/contracts/ports';
import type { Database } from './database';

/** The time that the port allows, in milliseconds. */
const ANSWER_WITHIN_MS = 400;

/** The key of hints in the table `hint_key`, which a migration fills. */
export class PostgresHintKey implements HintKey {
  constructor(private readonly database: Database) {}

  async read(): Promise<string> {
    const [row] = await this.database.call<{ current_hint_key: string | null }>(
      'select tocsin.current_hint_key()',
      [],
      { withinMs: ANSWER_WITHIN_MS },
    );
    if (!row?.current_hint_key)
      throw new Unavailable('log', 'The database has no key for hints.', { technology: 'postgres' });
    return row.current_hint_key;
  }
}
