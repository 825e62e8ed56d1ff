import { Client } from 'pg';
import { ConfigurationError } from '@tocsin/settings';
import { clientConfig, type DatabaseConnection } from './connection';
import { unreachable } from './postgres-errors';
import { MIGRATIONS, newestIn, READ_VERSION } from './schema-version';

/** A start that finds no database in this time goes on without a word from it, in milliseconds. */
const ANSWER_WITHIN_MS = 2_000;

/**
 * Whether the database has the schema that this version needs. It connects without the app's role, which a database
 * that was never migrated does not have.
 */
export class SchemaCheck {
  private passed: boolean;

  constructor(
    private readonly connection: DatabaseConnection,
    private readonly needed = newestIn(MIGRATIONS),
  ) {
    // the standalone migrates its embedded database itself, and that one has a single session
    this.passed = 'stream' in connection;
  }

  /**
   * Resolves when the schema is there, and from then on at once. Throws `ConfigurationError`, one sentence with the
   * command to run, when it is missing or older than this version, and `Unavailable` when the database is away. A newer
   * schema passes: an upgrade migrates first, while the version before still runs.
   */
  async pass(): Promise<void> {
    if (this.passed) return;
    const { name, there, version } = await this.read();
    if (!there) throw new ConfigurationError([`The database "${name}" has no schema "tocsin". Run: npm run migrate`]);
    if (version !== null && version < this.needed)
      throw new ConfigurationError([
        `The database "${name}" is migrated to ${version}, and this version needs ${this.needed}. Run: npm run migrate`,
      ]);
    this.passed = true;
  }

  private async read(): Promise<{ name: string; there: boolean; version: number | null }> {
    const client = new Client({
      ...clientConfig(this.connection, undefined),
      connectionTimeoutMillis: ANSWER_WITHIN_MS,
      query_timeout: ANSWER_WITHIN_MS,
    });
    client.on('error', () => undefined);
    try {
      await client.connect();
      const { rows } = await client.query<{ name: string; there: boolean; version: number | null }>(
        `select current_database() as name, to_regnamespace('tocsin') is not null as there, (${READ_VERSION}) as version`,
      );
      return rows[0]!;
    } catch (error) {
      throw unreachable(error);
    } finally {
      void client.end().catch(() => undefined);
    }
  }
}
