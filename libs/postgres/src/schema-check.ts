import { Client } from 'pg';
import { ConfigurationError } from '@tocsin/settings';
import { clientConfig, type DatabaseConnection } from './connection';
import { unreachable } from './postgres-errors';
import { MIGRATIONS, newestIn, READ_VERSION } from './schema-version';

/** A start that finds no database in this time goes on without a word from it, in milliseconds. */
const ANSWER_WITHIN_MS = 2_000;

interface Found {
  name: string;
  there: boolean;
  version: number | null;
  encoding: string;
  /** Whether ILIKE ignores the case of ASCII letters only. */
  folds_ascii_alone: boolean;
}

/**
 * Whether the database has the schema that this version needs. It connects without the app's role, which a database
 * that was never migrated does not have.
 */
export class SchemaCheck {
  /** What is weak about a database that has passed. */
  warning: string | undefined;
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
    const { name, there, version, encoding, folds_ascii_alone } = await this.read();
    if (!there) throw new ConfigurationError([`The database "${name}" has no schema "tocsin". Run: npm run migrate`]);
    if (version === null || version < this.needed)
      throw new ConfigurationError([
        `The database "${name}" is migrated to ${version ?? 'an unknown version'}, and this version needs ${this.needed}. Run: npm run migrate`,
      ]);
    if (encoding !== 'UTF8')
      this.warning = `The database "${name}" has the encoding ${encoding}: it may refuse letters, and a search may ignore the case of the letters A to Z alone. See docs/install.md`;
    else if (folds_ascii_alone)
      this.warning = `The database "${name}" has LC_CTYPE C: a search ignores the case of the letters A to Z alone. See docs/install.md`;
    this.passed = true;
  }

  private async read(): Promise<Found> {
    const client = new Client({
      ...clientConfig(this.connection, undefined),
      connectionTimeoutMillis: ANSWER_WITHIN_MS,
      query_timeout: ANSWER_WITHIN_MS,
    });
    client.on('error', () => undefined);
    try {
      await client.connect();
      const { rows } = await client.query<Found>(
        `select datname as name, to_regnamespace('tocsin') is not null as there, (${READ_VERSION}) as version,
                pg_encoding_to_char(encoding) as encoding,
                datlocprovider = 'c' and datctype in ('C', 'POSIX') as folds_ascii_alone
         from pg_database where datname = current_database()`,
      );
      return rows[0]!;
    } catch (error) {
      throw unreachable(error);
    } finally {
      void client.end().catch(() => undefined);
    }
  }
}
