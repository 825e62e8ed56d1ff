import { setTimeout as sleep } from 'node:timers/promises';
import { Client, type Pool } from 'pg';
import { DataSource, type EntityManager } from 'typeorm';
import { TooSlow, Unavailable, type TenantId } from '@tocsin/contracts';
import { fullJitter, within } from '@tocsin/timing';
import { columnValues } from './column-values';
import {
  clientConfig,
  prepareSession,
  retakeRole,
  SESSION_LIMITS,
  type DatabaseConnection,
  type SessionLimits,
} from './connection';
import { causeOf, leavesConnectionUsable, remedyFor, translate, unreachable } from './postgres-errors';
import { Recipient } from './recipient';
import type { Role } from './roles';
import { functionIsGone, missingFunction, READ_VERSION } from './schema-version';
import { TenantMembership } from './tenant-membership';

export interface DatabaseOptions extends Partial<SessionLimits> {
  connection: DatabaseConnection;
  /** The role that every connection takes. Each connection is checked to have it. */
  role: Role;
  /** The most connections; default 10. The embedded database has one. */
  poolSize?: number;
  /** How long to wait for a connection, new or free; default 2,000 ms (5,000 for the embedded database). */
  connectTimeoutMs?: number;
  /** What the server shows in pg_stat_activity; default `tocsin`. */
  applicationName?: string;
}

/** The options of one call. */
export interface CallOptions {
  /**
   * After this many milliseconds the call ends as `Unavailable`, although the statement may still run. Default:
   * only the statement timeout.
   */
  withinMs?: number;
  /**
   * When the server cancels the statement for its time but answers a fresh connection, the error is `TooSlow`: this
   * input's fault. Default: the error is `Unavailable`, which suits calls that only read.
   */
  timeoutIsJudged?: boolean;
  /**
   * The name under which each session keeps the parsed statement, for a statement that is sent all the time. Without
   * effect behind a pooler and for the embedded database, where a session is not ours alone.
   */
  keptAs?: string;
}

const MAX_ATTEMPTS = 5;
/** The back-off between attempts: its jitter keeps statements that met in a deadlock apart. */
const BACK_OFF = { firstMs: 40, capMs: 320, floorMs: 0 };
/** How soon a healthy database answers a fresh connection, in milliseconds. */
const ANSWER_WITHIN_MS = 2_000;

/**
 * The process's one pool. It opens with the first use, never changes the schema, and refuses connections whose role
 * row-level security does not bind. Everything here throws `Unavailable` or `Refused`; deadlocks, serialization
 * failures and lock timeouts are tried again here, up to five times with jitter, before they are `Unavailable`.
 */
export class Database {
  readonly #options: DatabaseOptions;
  #source: Promise<DataSource> | undefined;
  #opened: DataSource | undefined;
  #closing: Promise<void> | undefined;

  constructor(options: DatabaseOptions) {
    this.#options = options;
  }

  /**
   * Runs one statement in autocommit, in one round trip. Database functions are called this way; they name their
   * tenants to row-level security themselves.
   */
  async call<Row>(sql: string, parameters: readonly unknown[] = [], options: CallOptions = {}): Promise<Row[]> {
    const called = this.#attempt(async () => {
      const client = await this.#reach((source) => poolOf(source).connect());
      // a cut connection fails its statement and then emits the same error, which would end the process if nothing
      // listened
      client.on('error', heard);
      try {
        await retakeRole(client, this.#options.connection, this.#options.role);
        const { rows } = await client.query({ ...this.#keptAs(options), text: sql, values: [...parameters] });
        client.off('error', heard).release();
        return rows as Row[];
      } catch (error) {
        client.off('error', heard).release(!leavesConnectionUsable(error));
        if (options.timeoutIsJudged && remedyFor(error) === 'ask' && (await this.#answersAnew())) {
          throw new TooSlow('PostgreSQL cancelled the statement for its time, and answers otherwise.', {
            cause: causeOf(error),
          });
        }
        throw error;
      }
    });
    const { withinMs } = options;
    if (withinMs === undefined) return called;
    return within(withinMs, called, () => {
      throw new Unavailable('log', `PostgreSQL did not answer within ${withinMs} ms`, { technology: 'postgres' });
    });
  }

  /**
   * The only way to get an EntityManager: a transaction that sees the rows of these tenants and no others. `work` may
   * run again from the start, so it must do nothing but work on the database. Its own errors are thrown unchanged.
   */
  async as<T>(tenants: readonly TenantId[], work: (manager: EntityManager) => Promise<T>): Promise<T> {
    return this.#attempt(async () => {
      const { runner, client } = await this.#reach(async (source) => {
        const created = source.createQueryRunner();
        return { runner: created, client: (await created.connect()) as Client };
      });
      let cut: Error | undefined;
      const onError = (error: Error) => (cut = error);
      client.on('error', onError);
      try {
        await retakeRole(client, this.#options.connection, this.#options.role);
        await runner.startTransaction();
        await runner.query(`select set_config('tocsin.tenants', $1::text[]::text, true)`, [tenants]);
        const result = await work(runner.manager);
        await runner.commitTransaction();
        return result;
      } catch (error) {
        // after a failed statement the connection can roll back; a cut or silent connection is not waited for again
        if (!isDriverError(error) || leavesConnectionUsable(error))
          await runner.rollbackTransaction().catch(() => client.end());
        else void client.end().catch(() => undefined);
        if (cut) throw cut;
        throw isDriverError(error) ? error : new WorkFailed(error);
      } finally {
        client.off('error', onError);
        await runner.release();
      }
    });
  }

  /**
   * Resolves when a connection is available and answers. For the health check and for waiting at the start. Throws
   * `Unavailable`.
   */
  async check(): Promise<void> {
    await this.call('select 1');
  }

  /** The pool's connections: in use, free, and how many callers wait for one. */
  connections(): { active: number; idle: number; waiting: number } {
    const pool = this.#opened && poolOf(this.#opened);
    if (!pool) return { active: 0, idle: 0, waiting: 0 };
    return { active: pool.totalCount - pool.idleCount, idle: pool.idleCount, waiting: pool.waitingCount };
  }

  /** Closes the pool once all connections in use are returned. May be called twice. */
  close(): Promise<void> {
    return (this.#closing ??= this.#close());
  }

  async #close(): Promise<void> {
    const source = await this.#source?.catch(() => undefined);
    this.#opened = undefined;
    await source?.destroy();
  }

  #keptAs({ keptAs: name }: CallOptions): { name?: string } {
    const { connection } = this.#options;
    return name !== undefined && 'url' in connection && !connection.pooled ? { name } : {};
  }

  async #attempt<T>(work: () => Promise<T>): Promise<T> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await work();
      } catch (error) {
        if (error instanceof WorkFailed) throw error.cause;
        if (attempt === MAX_ATTEMPTS || remedyFor(error) !== 'retry') throw await this.#explain(error);
        await sleep(fullJitter(attempt - 1, BACK_OFF));
      }
    }
  }

  /**
   * Translates an error for the callers. When a function is missing, the error names it, and says whether the process
   * or the database is out of date.
   */
  async #explain(error: unknown): Promise<Error> {
    const name = missingFunction(error);
    if (name === undefined) return translate(error);
    const [found] = await this.call<{ version: number | null }>(READ_VERSION).catch(() => []);
    return functionIsGone(name, found?.version ?? null, error);
  }

  async #reach<T>(connect: (source: DataSource) => Promise<T>): Promise<T> {
    try {
      return await connect(await this.#open());
    } catch (error) {
      throw unreachable(error);
    }
  }

  /**
   * Whether a fresh connection can be opened and answers. Always false for the embedded database, which has only one
   * session.
   */
  async #answersAnew(): Promise<boolean> {
    const { connection, role } = this.#options;
    if ('stream' in connection) return false;
    const client = new Client({
      ...clientConfig(connection, role),
      connectionTimeoutMillis: ANSWER_WITHIN_MS,
      query_timeout: ANSWER_WITHIN_MS,
    });
    client.on('error', heard);
    try {
      await client.connect();
      await client.query('select 1');
      return true;
    } catch {
      return false;
    } finally {
      void client.end().catch(() => undefined);
    }
  }

  #open(): Promise<DataSource> {
    if (this.#closing) throw new Unavailable('log', 'the database is closed', { technology: 'postgres' });
    this.#source ??= openDataSource(this.#options).then(
      (source) => (this.#opened = source),
      (error: unknown) => {
        this.#source = undefined;
        throw error;
      },
    );
    return this.#source;
  }
}

/** A DataSource with one pool. Every new connection is prepared and checked before its first use. */
export async function openDataSource(
  options: Omit<DatabaseOptions, 'role'> & { role?: Role },
  more: { migrations?: (new () => object)[] } = {},
): Promise<DataSource> {
  const { connection, role, applicationName = 'tocsin' } = options;
  const embedded = 'stream' in connection;
  const limits = { ...SESSION_LIMITS, ...options };
  const source = new DataSource({
    type: 'postgres',
    schema: 'tocsin',
    synchronize: false,
    logging: false,
    installExtensions: false,
    uuidExtension: 'pgcrypto',
    entities: [Recipient, TenantMembership],
    migrations: more.migrations,
    migrationsTableName: 'migration',
    // an idle connection that breaks has already been dropped; the next caller gets a new one, or the error
    poolErrorHandler: () => undefined,
    extra: {
      ...clientConfig(connection, role),
      application_name: applicationName,
      max: embedded ? 1 : (options.poolSize ?? 10),
      connectionTimeoutMillis: options.connectTimeoutMs ?? (embedded ? 5_000 : 2_000),
      idleTimeoutMillis: embedded ? 0 : 30_000,
      query_timeout: limits.statementTimeoutMs + 1_000,
      keepAlive: true,
      types: columnValues,
      onConnect: (client: Client) => prepareSession(client, connection, role, limits),
    },
  });
  return source.initialize();
}

/** TypeORM keeps pg's pool under this name; there is no public way to it. */
const poolOf = (source: DataSource): Pool => (source.driver as unknown as { master: Pool }).master;

/** Wraps an error of the caller's own work, which is not translated. */
class WorkFailed extends Error {
  constructor(cause: unknown) {
    super('work failed', { cause });
  }
}

const heard = (): void => undefined;

const isDriverError = (error: unknown): boolean => causeOf(error) !== error;
