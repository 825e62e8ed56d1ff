import {
  AckPolicy,
  DeliverPolicy,
  DiscardPolicy,
  JetStreamApiCodes,
  RetentionPolicy,
  StorageType,
  type JetStreamManager,
  type PubAck,
  type StreamConfig,
} from '@nats-io/jetstream';
import { nanos } from '@nats-io/transport-node';
import { QUEUE_KINDS, type QueueDepth, type QueueKind } from '@tocsin/contracts';
import type { NatsConnection } from './connection';
import { absent, ensureStream, JetStreamAdmin } from './jetstream-admin';
import { disagreementOf, type Disagreement } from './stuck';
import { isPublished, STREAMS, SUBJECTS, type StreamRole } from './subjects';

/** The durable consumer in which all processors share the messages of a stream. */
export const CONSUMER = 'processors';
const TAKE_OVER_AFTER_MS = 10_000;
/** How often stream and consumer are asked for a moment in which nothing happens. */
const LOOKS = 5;
/**
 * How long the server knows the ids of published messages, in milliseconds: as long as clients try again when an answer
 * did not reach them. Each id takes memory of the server. The log tells duplicates apart for days.
 */
const DEDUP_WINDOW_MS = 30_000;
/** The bounds of the dead letters, which are evidence beside the record in PostgreSQL: the oldest ones go. */
const EVIDENCE = { max_age: nanos(14 * 86_400_000), max_msgs: 100_000, max_bytes: 1_073_741_824 };

export interface NatsStreamsOptions {
  prefix: string;
  /** How many urgent messages, and how many others, may wait. */
  limit: number;
  replicas: number;
  /**
   * A message that its processor has not refreshed for this long is delivered to another one, in milliseconds. A
   * processor refreshes what it holds three times in this time, so only a dead, cut off or stuck one loses its
   * messages. Default 10,000.
   */
  takeOverAfterMs?: number;
}

/**
 * The streams of one installation and their consumers. They are work queues: a message leaves its stream when it is
 * acknowledged, so the length of a stream is the number of messages that wait or are in hand.
 */
export class NatsStreams {
  private readonly admin: JetStreamAdmin;

  constructor(
    connection: NatsConnection,
    private readonly options: NatsStreamsOptions,
  ) {
    this.admin = new JetStreamAdmin(connection, 'queue');
  }

  get takeOverAfterMs(): number {
    return this.options.takeOverAfterMs ?? TAKE_OVER_AFTER_MS;
  }

  /** Whether no other server has a copy of the streams. */
  get isOnOneServer(): boolean {
    return this.options.replicas === 1;
  }

  /** What stands before every subject and stream. */
  get prefix(): string {
    return this.options.prefix;
  }

  /** How many messages may wait in a stream. */
  get limit(): number {
    return this.options.limit;
  }

  name(role: StreamRole): string {
    return this.options.prefix + STREAMS[role];
  }

  /** Creates streams and consumers that are missing, and changes those that the settings want otherwise. */
  async prepare(): Promise<void> {
    await this.admin.manage(async (manager) => {
      for (const role of Object.keys(STREAMS) as StreamRole[]) await this.#prepareStream(manager, role);
      for (const kind of QUEUE_KINDS) await this.#prepareConsumer(manager, this.name(kind));
    });
  }

  /** Whether stream and consumer disagree about the first message, which may then be one that is never delivered. */
  disagreementIn(kind: QueueKind): Promise<Disagreement | undefined> {
    return this.admin.manage(async (manager) => {
      const stream = this.name(kind);
      let before = await manager.consumers.info(stream, CONSUMER);
      for (let looks = 1; ; looks += 1) {
        const info = await manager.streams.info(stream);
        const after = await manager.consumers.info(stream, CONSUMER);
        const found = disagreementOf(before, info, after);
        if (!found || found.isSure || looks === LOOKS) return found;
        before = after;
      }
    });
  }

  /** Makes the consumer anew. It delivers all that is in the stream, also what it has delivered before. */
  renewConsumer(kind: QueueKind): Promise<void> {
    return this.admin.manage(async (manager) => {
      const stream = this.name(kind);
      await manager.consumers.delete(stream, CONSUMER).catch((error: unknown) => {
        absent(error, JetStreamApiCodes.ConsumerNotFound);
      });
      await this.#prepareConsumer(manager, stream);
    });
  }

  /** The configurations of the streams that hold messages to be stored. */
  configurations(): Promise<StreamConfig[]> {
    return this.admin.manage((manager) =>
      Promise.all(
        (['urgent', 'common', 'suspects'] as const).map(
          async (role) => (await manager.streams.info(this.name(role))).config,
        ),
      ),
    );
  }

  /** How many messages each stream holds that are not acknowledged, and when the first of them was stored. */
  depths(timeoutMs: number): Promise<QueueDepth[]> {
    return this.admin.read(timeoutMs, (manager) =>
      Promise.all(
        QUEUE_KINDS.map(async (kind) => {
          const queue = this.name(kind);
          const { messages, first_ts } = (await manager.streams.info(queue)).state;
          const oldest_at = messages > 0 ? new Date(first_ts).toISOString() : null;
          return { queue, kind, messages, includes_in_hand: true, oldest_at };
        }),
      ),
    );
  }

  /** Whether a stream that publishers fill has no room, by the bound that it has; that may be above the setting. */
  isFull(timeoutMs: number): Promise<boolean> {
    return this.admin.read(timeoutMs, async (manager) => {
      const published = QUEUE_KINDS.filter(isPublished);
      const streams = await Promise.all(published.map((kind) => manager.streams.info(this.name(kind))));
      return streams.some(({ config, state }) => config.max_msgs > 0 && state.messages >= config.max_msgs);
    });
  }

  /** Rejects when JetStream does not answer. */
  check(timeoutMs: number): Promise<void> {
    return this.admin.check(timeoutMs);
  }

  /** Whether the message of which this one is a duplicate is still in its stream. */
  has({ stream, seq }: PubAck): Promise<boolean> {
    return this.admin.manage(async (manager) => (await manager.streams.getMessage(stream, { seq })) !== null);
  }

  async #prepareStream(manager: JetStreamManager, role: StreamRole): Promise<void> {
    const { prefix, limit, replicas } = this.options;
    const isDead = role === 'dead';
    const wanted = {
      subjects: SUBJECTS[role].map((subject) => prefix + subject),
      num_replicas: replicas,
      duplicate_window: nanos(DEDUP_WINDOW_MS),
      ...(isDead ? EVIDENCE : { max_msgs: isPublished(role) ? limit : -1 }),
    };
    await ensureStream(manager, this.name(role), wanted, {
      storage: StorageType.File,
      retention: isDead ? RetentionPolicy.Limits : RetentionPolicy.Workqueue,
      discard: isDead ? DiscardPolicy.Old : DiscardPolicy.New,
    });
  }

  async #prepareConsumer(manager: JetStreamManager, stream: string): Promise<void> {
    const found = await manager.consumers.info(stream, CONSUMER).catch((error: unknown) => {
      return absent(error, JetStreamApiCodes.ConsumerNotFound);
    });
    if (found) return;
    await manager.consumers.add(stream, {
      durable_name: CONSUMER,
      ack_policy: AckPolicy.Explicit,
      deliver_policy: DeliverPolicy.All,
      ack_wait: nanos(this.takeOverAfterMs),
      // a processor counts and moves messages: one that JetStream gives up would stay in the stream for ever
      max_deliver: -1,
      // what a processor holds is bounded by what it asks for
      max_ack_pending: -1,
    });
  }
}
