import { randomBytes } from 'node:crypto';
import { jetstreamManager, type JetStreamManager } from '@nats-io/jetstream';
import { connect, createInbox, type Msg, type NatsConnection as Client } from '@nats-io/transport-node';
import type { HintKey } from '@tocsin/contracts/ports';
import { createLogger, Metrics } from '@tocsin/observability';
import { NatsIntake } from '../alert-intake.nats';
import { NatsSource } from '../alert-source.nats';
import { BusStreams } from '../bus/bus-streams';
import { NatsDoorbell } from '../bus/doorbell.nats';
import { NatsEventBus } from '../bus/event-bus.nats';
import { NatsRequestRates } from '../bus/request-rates.nats';
import { NatsStreamSlots } from '../bus/stream-slots.nats';
import { NatsTicketStore } from '../bus/ticket-store.nats';
import { NatsConnection } from '../connection';
import { NatsQueue } from '../nats-queue';
import { CONSUMER, NatsStreams } from '../nats-streams';
import { serversOf } from '../servers';
import { STREAMS, type StreamRole } from '../subjects';

const LIMIT = 10_000;
/** So that a test need not wait for ten seconds. */
const TAKE_OVER_AFTER_MS = 1_500;
const MOST_TAKEN = 10;
const ANSWERED_WITHIN_MS = 5_000;

export function natsUrl(): string {
  const url = process.env.NATS_URL;
  if (!url) throw new Error('This test needs NATS with JetStream: set NATS_URL.');
  return url;
}

/**
 * `describe` for tests that need NATS. Where it cannot be had, `npm test` sets `SKIP_NATS` to the reason; the tests are
 * then skipped visibly, with that reason in their name.
 */
export function describeWithNats(name: string, tests: () => void): void {
  const reason = process.env.SKIP_NATS;
  if (reason) describe.skip(`${name} (skipped: ${reason})`, tests);
  else describe(name, tests);
}

/** A test's own streams on the real NATS, and a plain client beside them. */
export class OwnNats {
  readonly prefix = `test-${randomBytes(6).toString('hex')}-`;
  readonly queue: NatsQueue;
  readonly intake: NatsIntake;
  readonly metrics = new Metrics({ version: 'test', commit: 'test', tenantLimit: 0 });
  private readonly connections: NatsConnection[] = [];
  private readonly sources: NatsSource[] = [];
  private readonly closers: (() => unknown)[] = [];

  private constructor(
    readonly plain: Client,
    readonly manager: JetStreamManager,
  ) {
    this.queue = this.queueAt();
    this.intake = new NatsIntake(this.queue);
  }

  static async open(): Promise<OwnNats> {
    const plain = await connect(serversOf(natsUrl()));
    const own = new OwnNats(plain, await jetstreamManager(plain));
    await own.queue.streams.prepare();
    return own;
  }

  /** The same for a test of the bus, which needs no queue. */
  static async openBus(): Promise<OwnNats> {
    const plain = await connect(serversOf(natsUrl()));
    return new OwnNats(plain, await jetstreamManager(plain));
  }

  /** A connection of its own, as a process has. */
  connection(url = natsUrl()): NatsConnection {
    const connection = new NatsConnection({ url, name: 'test' });
    this.connections.push(connection);
    connection.open();
    return connection;
  }

  /** A bus. It signs with one key for all tests unless it gets another one, or a source of the key that is kept. */
  bus({ url = natsUrl(), hintKey, keptKey }: { url?: string; hintKey?: string; keptKey?: HintKey } = {}): NatsEventBus {
    const key = hintKey ?? (keptKey ? undefined : 'the key of all tests, which is no secret');
    const log = createLogger({ app: 'test', level: 'silent' });
    const options = { prefix: this.prefix, hintKey: key, keptKey };
    const bus = new NatsEventBus(options, this.connection(url), log, this.metrics);
    this.closers.push(() => bus.close());
    return bus;
  }

  doorbell(connection = this.connection()): NatsDoorbell {
    const doorbell = new NatsDoorbell(connection, this.prefix);
    this.closers.push(() => doorbell.close());
    return doorbell;
  }

  tickets(connection = this.connection()): NatsTicketStore {
    return new NatsTicketStore(connection, this.busStreams(connection));
  }

  /** A gateway's slots, on a connection of their own unless one is given. */
  slots({
    connection = this.connection(),
    lifetimeMs,
  }: { connection?: NatsConnection; lifetimeMs?: number } = {}): NatsStreamSlots {
    const slots = new NatsStreamSlots(connection, this.busStreams(connection), this.metrics, { lifetimeMs });
    this.closers.push(() => slots.close());
    return slots;
  }

  rates(connection = this.connection()): NatsRequestRates {
    const rates = new NatsRequestRates(connection, this.busStreams(connection));
    this.closers.push(() => rates.close());
    return rates;
  }

  busStreams(connection = this.connection()): BusStreams {
    return new BusStreams(connection, { prefix: this.prefix, replicas: 1 });
  }

  /** The queue over a connection of its own. */
  queueAt(url = natsUrl(), limit = LIMIT): NatsQueue {
    const connection = this.connection(url);
    const streams = { prefix: this.prefix, limit, replicas: 1, takeOverAfterMs: TAKE_OVER_AFTER_MS };
    return new NatsQueue(connection, new NatsStreams(connection, streams));
  }

  source(queue = this.queueAt(), options: { prefetch?: number; consumeTimeoutMs?: number } = {}): NatsSource {
    const source = new NatsSource(queue, { prefetch: 2_000, ...options });
    this.sources.push(source);
    return source;
  }

  /**
   * Takes the messages that wait in a stream of the queue, and settles none. The server answers at once: the client's
   * `fetch` waits, and fails when the test's event loop is late for two of its heartbeats.
   */
  async take(role: StreamRole): Promise<Msg[]> {
    const inbox = createInbox();
    const answers = this.plain.subscribe(inbox, { timeout: ANSWERED_WITHIN_MS });
    const pull = JSON.stringify({ batch: MOST_TAKEN, no_wait: true });
    this.plain.publish(`$JS.API.CONSUMER.MSG.NEXT.${this.queue.streams.name(role)}.${CONSUMER}`, pull, {
      reply: inbox,
    });
    const taken: Msg[] = [];
    for await (const message of answers) {
      if (message.headers?.code) break; // no more wait
      taken.push(message);
      if (taken.length === MOST_TAKEN) break;
    }
    answers.unsubscribe();
    return taken;
  }

  /** How many messages are in a stream. */
  async lengthOf(role: StreamRole): Promise<number> {
    return (await this.manager.streams.info(this.queue.streams.name(role))).state.messages;
  }

  /** Removes every stream of the test. */
  async close(): Promise<void> {
    await Promise.all([...this.sources.map((source) => source.stop()), ...this.closers.map((close) => close())]);
    await Promise.all(this.connections.map((connection) => connection.close()));
    const queue = (Object.keys(STREAMS) as StreamRole[]).map((role) => this.queue.streams.name(role));
    for (const name of [...queue, `${this.prefix}bus-tickets`, `${this.prefix}bus-counts`])
      await this.manager.streams.delete(name).catch(() => undefined);
    await this.plain.close();
  }
}
