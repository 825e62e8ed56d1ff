import { randomBytes } from 'node:crypto';
import { jetstreamManager, type JetStreamManager } from '@nats-io/jetstream';
import { connect, type NatsConnection as Client } from '@nats-io/transport-node';
import { NatsIntake } from '../alert-intake.nats';
import { NatsSource } from '../alert-source.nats';
import { NatsConnection } from '../connection';
import { NatsQueue } from '../nats-queue';
import { NatsStreams } from '../nats-streams';
import { serversOf } from '../servers';
import { STREAMS, type StreamRole } from '../subjects';

const LIMIT = 10_000;
/** So that a test need not wait for ten seconds. */
const TAKE_OVER_AFTER_MS = 1_500;

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
  private readonly connections: NatsConnection[] = [];
  private readonly sources: NatsSource[] = [];

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

  /** The queue over a connection of its own. */
  queueAt(url = natsUrl(), limit = LIMIT): NatsQueue {
    const connection = new NatsConnection({ url, name: 'test' });
    this.connections.push(connection);
    connection.open();
    const streams = { prefix: this.prefix, limit, replicas: 1, takeOverAfterMs: TAKE_OVER_AFTER_MS };
    return new NatsQueue(connection, new NatsStreams(connection, streams));
  }

  source(queue = this.queueAt(), options: { prefetch?: number; consumeTimeoutMs?: number } = {}): NatsSource {
    const source = new NatsSource(queue, { prefetch: 2_000, ...options });
    this.sources.push(source);
    return source;
  }

  /** How many messages are in a stream. */
  async lengthOf(role: StreamRole): Promise<number> {
    return (await this.manager.streams.info(this.queue.streams.name(role))).state.messages;
  }

  /** Removes every stream of the test. */
  async close(): Promise<void> {
    await Promise.all(this.sources.map((source) => source.stop()));
    await Promise.all(this.connections.map((connection) => connection.close()));
    for (const role of Object.keys(STREAMS) as StreamRole[])
      await this.manager.streams.delete(this.queue.streams.name(role)).catch(() => undefined);
    await this.plain.close();
  }
}
