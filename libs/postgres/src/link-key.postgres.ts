import { Unavailable } from '@tocsin/contracts';
import type { LinkKey } from '@tocsin/contracts/ports';
import type { Database } from './database';

/** The time that the port allows, in milliseconds. */
const ANSWER_WITHIN_MS = 400;

/** The key of links in the table `link_key`, which a migration fills. */
export class PostgresLinkKey implements LinkKey {
  constructor(private readonly database: Database) {}

  async read(): Promise<string> {
    const [row] = await this.database.call<{ current_link_key: string | null }>(
      'select tocsin.current_link_key()',
      [],
      { withinMs: ANSWER_WITHIN_MS },
    );
    if (!row?.current_link_key)
      throw new Unavailable('log', 'The database has no key for links.', { technology: 'postgres' });
    return row.current_link_key;
  }
}
