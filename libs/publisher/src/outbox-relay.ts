import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseExactly, TooManyLongNumbers } from '@tocsin/messages/exact-json';
import { fullJitter } from '@tocsin/timing/back-off';
import { within } from '@tocsin/timing/deadline';
import type { AlertMessageBody } from '@tocsin/contracts/wire';
import type { AlertPublisher } from './alert-publisher';
import { BrokerUnavailable } from './broker-unavailable';
import type { PublishOutcome } from './confirming-publisher';
import { OUTBOX_TABLE, quoted, type OutboxClient } from './outbox';
import { isSaid, obstacleIn } from './publishable';

/** A connection of a pool, as node-postgres has it. */
export interface OutboxPoolClient extends OutboxClient {
  /** With an error the connection is closed instead of used again. */
  release(error?: Error): void;
  on?(event: 'error', listener: (error: Error) => void): unknown;
  off?(event: 'error', listener: (error: Error) => void): unknown;
}

/** The service's own pool: node-postgres's `Pool`, or an object of the same shape. */
export interface OutboxPool {
  connect(): Promise<OutboxPoolClient>;
}

/** Why nothing, or not everything, was published this time. The relay tries again by itself. */
export type OutboxTrouble =
  | { kind: 'database' | 'broker'; error: Error }
  | { kind: 'unconfirmed'; reasons: string[] }
  | { kind: 'set_aside'; ids: string[] };

export interface OutboxRelayOptions {
  pool: OutboxPool;
  /** `start` connects it if it is not connected yet. The relay does not close it. */
  publisher: Pick<AlertPublisher, 'connect' | 'publish'>;
  /** Default `alert_outbox`. */
  table?: string;
  /** How many alerts are claimed and published at once. Default 100. */
  batch?: number;
  /**
   * How long the relay waits after it found an empty outbox, in milliseconds, unless `wake` is called. Default 1,000.
   */
  pollMs?: number;
  /** Called for each failed attempt, for example to write a log line. */
  onTrouble?: (trouble: OutboxTrouble) => void;
}

/** How long one attempt waits for the broker. */
const CONNECT_TIMEOUT_MS = 2_000;
const BACK_OFF = { firstMs: 200, capMs: 5_000, floorMs: 100 };
/** Longer than one `publish` takes. */
const STOP_TIMEOUT_MS = 10_000;
/** How long PostgreSQL keeps the rows of a relay whose machine has vanished, which ends no connection. */
const CLAIM_KEPT_MS = 30_000;

/** All columns are text, because the service may have configured its client to read numbers and JSON in its own way. */
interface Row {
  outbox_id: string;
  id: string;
  alert: string;
  traceparent: string | null;
}

/** A row that can be published. */
interface ReadRow extends Pick<Row, 'outbox_id' | 'traceparent'> {
  alert: AlertMessageBody & { id: string };
}

/** A row that can never be published, and why. */
interface Hopeless {
  outbox_id: string;
  id: string;
  failure: string;
}

/**
 * Publishes the alerts of an outbox, the oldest first, and deletes each one once the broker has confirmed it.
 *
 * - At least once, with the row's id. When a relay is killed between the confirmation and the commit, its batch is
 *   published again, and Tocsin stores it once.
 * - Rows are claimed with `for update skip locked` in a transaction that lasts as long as a `publish` (5 s at most).
 *   Several relays may share an outbox; the rows of a killed relay are free when its connection ends, or after 30 s if
 *   its machine has vanished. With one relay alerts keep their order, except those that were not confirmed.
 * - The relay polls instead of listening. A `notify` makes every commit of the database wait for a lock, and listening
 *   needs a session, which poolers do not give. Call `wake` after a commit where a second matters.
 */
export class OutboxRelay {
  private readonly table: string;
  private stopping: AbortController | undefined;
  private working: Promise<void> = Promise.resolve();
  private waking = new AbortController();

  constructor(private readonly options: OutboxRelayOptions) {
    this.table = quoted(options.table ?? OUTBOX_TABLE);
  }

  /** Starts the relay and returns at once. May be called twice. */
  start(): void {
    if (this.stopping) return;
    this.stopping = new AbortController();
    this.working = this.work(this.stopping.signal);
  }

  /** Looks into the outbox now instead of at the next poll. Call it when there is something to publish. */
  wake(): void {
    this.waking.abort();
  }

  /**
   * Claims nothing more and resolves when the current batch is settled, or after 10 s. May be called twice, and `start`
   * after it.
   */
  async stop(): Promise<void> {
    this.stopping?.abort();
    this.stopping = undefined;
    await within(STOP_TIMEOUT_MS, this.working, () => undefined);
  }

  private async work(signal: AbortSignal): Promise<void> {
    for (let failures = 0; !signal.aborted;) {
      this.waking = new AbortController();
      const outcome = await this.publishBatch();
      failures = outcome === 'failed' ? failures + 1 : 0;
      if (outcome === 'more') continue;
      if (outcome === 'failed') await pause(fullJitter(failures - 1, BACK_OFF), signal);
      else await pause(this.options.pollMs ?? 1_000, AbortSignal.any([signal, this.waking.signal]));
    }
  }

  /**
   * Publishes one batch. `more`: there may be another batch. `failed`: the database or the broker has to recover first.
   * Never rejects.
   */
  private async publishBatch(): Promise<'more' | 'empty' | 'failed'> {
    const { pool, publisher, batch = 100 } = this.options;
    // the connection comes before any row is locked: no transaction stays open while the broker is away
    const connected = await publisher.connect(CONNECT_TIMEOUT_MS).then(
      () => true,
      (error: unknown) => this.tell('broker', error),
    );
    if (!connected) return 'failed';
    const client = await pool.connect().catch((error: unknown) => void this.tell('database', error));
    if (!client) return 'failed';
    // a lost connection fails its statement and then emits the same error, which without a listener would end the
    // process
    client.on?.('error', heard);
    let broken: Error | undefined;
    try {
      await client.query('begin');
      await client.query(`set local idle_in_transaction_session_timeout = ${CLAIM_KEPT_MS}`);
      const claimed = await client.query(
        `select o.outbox_id::text, o.id, o.alert::text, o.traceparent from ${this.table} as o where o.failure is null order by o.outbox_id limit $1 for update skip locked`,
        [batch],
      );
      const rows = claimed.rows as Row[];
      const settled = rows.length === 0 || (await this.settle(client, rows));
      await client.query('commit');
      if (!settled) return 'failed';
      return rows.length === batch ? 'more' : 'empty';
    } catch (error) {
      this.tell(error instanceof BrokerUnavailable ? 'broker' : 'database', error);
      await client.query('rollback').catch((cut: unknown) => (broken = asError(cut)));
      return 'failed';
    } finally {
      client.off?.('error', heard);
      client.release(broken);
    }
  }

  /** Publishes claimed rows and deletes the confirmed ones from the outbox. False when some have to be tried again. */
  private async settle(client: OutboxClient, rows: readonly Row[]): Promise<boolean> {
    const { read, hopeless } = readRows(rows);
    const outcomes = await this.publish(read);
    const confirmed = read.filter((_, index) => outcomes[index]!.outcome === 'confirmed');
    read.forEach(({ outbox_id, alert: { id } }, index) => {
      const one = outcomes[index]!;
      if (one.outcome === 'failed' && one.reason === 'not_sendable')
        hopeless.push({ outbox_id, id, failure: one.reason });
    });
    await client.query(`delete from ${this.table} where outbox_id = any ($1::bigint[])`, [
      confirmed.map(({ outbox_id }) => outbox_id),
    ]);
    if (hopeless.length > 0) {
      await client.query(
        `update ${this.table} as o set failure = given.failure from unnest($1::bigint[], $2::text[]) as given (outbox_id, failure) where o.outbox_id = given.outbox_id`,
        [hopeless.map(({ outbox_id }) => outbox_id), hopeless.map(({ failure }) => failure)],
      );
      this.say({ kind: 'set_aside', ids: hopeless.map(({ id }) => id) });
    }
    const reasons = outcomes.flatMap((one) =>
      one.outcome === 'failed' && one.reason !== 'not_sendable' ? [one.reason] : [],
    );
    if (reasons.length > 0) this.say({ kind: 'unconfirmed', reasons: [...new Set(reasons)] });
    return reasons.length === 0;
  }

  /** Publishes all rows at the same time, each run of rows with an equal trace in one call. */
  private async publish(rows: readonly ReadRow[]): Promise<PublishOutcome[]> {
    const runs: ReadRow[][] = [];
    for (const row of rows) {
      const last = runs.at(-1);
      if (last && last[0]!.traceparent === row.traceparent) last.push(row);
      else runs.push([row]);
    }
    const published = runs.map((run) =>
      this.options.publisher.publish(
        run.map(({ alert }) => alert),
        { traceparent: run[0]!.traceparent ?? undefined },
      ),
    );
    const settled = await Promise.allSettled(published);
    return settled.flatMap((one, index) => {
      if (one.status === 'fulfilled') return one.value;
      if (!(one.reason instanceof BrokerUnavailable) || settled.length === 1) throw one.reason;
      // other runs may be confirmed: the rows of this run were not sent, so they count as not confirmed
      return runs[index]!.map(({ alert: { id } }): PublishOutcome => ({
        id,
        outcome: 'failed',
        reason: 'connection_lost',
      }));
    });
  }

  private tell(kind: 'database' | 'broker', error: unknown): false {
    this.say({ kind, error: asError(error) });
    return false;
  }

  /** Reports a trouble. An error of the listener must not end the relay. */
  private say(trouble: OutboxTrouble): void {
    try {
      this.options.onTrouble?.(trouble);
    } catch {
      // the listener itself failed: there is nowhere to report it
    }
  }
}

/**
 * A service may write rows into its outbox without `enqueue`, so they are checked here: one invalid row must not block
 * the others.
 */
function readRows(rows: readonly Row[]): { read: ReadRow[]; hopeless: Hopeless[] } {
  const read: ReadRow[] = [];
  const hopeless: Hopeless[] = [];
  for (const { outbox_id, id: given, alert: text, traceparent } of rows) {
    const { alert, obstacle } = alertOf(text);
    // a row without an id gets one that is the same each time, as the row may be published more than once
    const id = isSaid(given)
      ? given
      : createHash('sha256').update(`${outbox_id} ${text}`).digest('base64url').slice(0, 22);
    if (obstacle) hopeless.push({ outbox_id, id, failure: `The alert ${obstacle}.` });
    else read.push({ outbox_id, traceparent, alert: { ...alert, id } });
  }
  return { read, hopeless };
}

/**
 * `jsonb` keeps numbers that a double cannot represent. They are published as text, as the processor reads them too.
 */
function alertOf(text: string): { alert: AlertMessageBody; obstacle?: string } {
  try {
    const alert = parseExactly(text) as AlertMessageBody;
    return { alert, obstacle: obstacleIn(alert) };
  } catch (error) {
    if (!(error instanceof TooManyLongNumbers)) throw error;
    return { alert: {} as AlertMessageBody, obstacle: 'has too many numbers that no double holds' };
  }
}

const heard = (): void => undefined;

const asError = (error: unknown): Error => (error instanceof Error ? error : new Error(String(error)));

/** A pause that the signal ends early, without an error. */
const pause = (ms: number, signal: AbortSignal): Promise<void> =>
  sleep(ms, undefined, { signal }).catch(() => undefined);
