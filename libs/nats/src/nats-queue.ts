import { setTimeout as sleep } from 'node:timers/promises';
import {
  AckPolicy,
  DeliverPolicy,
  DiscardPolicy,
  jetstream,
  JetStreamApiCodes,
  JetStreamApiError,
  jetstreamManager,
  PubHeaders,
  RetentionPolicy,
  StorageType,
  type JetStreamManager,
  type PubAck,
  type StreamConfig,
} from '@nats-io/jetstream';
import { nanos, RequestError, type Msg, type MsgHdrs } from '@nats-io/transport-node';
import { Unavailable } from '@tocsin/contracts';
import type { QueueKind } from '@tocsin/contracts/ports';
import type { NatsConnection } from './connection';
import { headersOf, messageOf, placeOf, RETURNS_HEADER } from './nats-message';
import { STREAMS, SUBJECTS, tailOf, tailOfSubject, type StreamRole } from './subjects';

/** The durable consumer in which all processors share the messages of a stream. */
export const CONSUMER = 'processors';
const TAKE_OVER_AFTER_MS = 10_000;
/**
 * How long the server knows the ids of published messages, in milliseconds: as long as clients try again when an answer
 * did not reach them. Each id takes memory of the server. The log tells duplicates apart for days.
 */
const DEDUP_WINDOW_MS = 30_000;
const ANSWER_WITHIN_MS = 4_500;
/** The bounds of the dead letters, which are evidence beside the record in PostgreSQL: the oldest ones go. */
const EVIDENCE = { max_age: nanos(14 * 86_400_000), max_msgs: 100_000, max_bytes: 1_073_741_824 };
/** The code with which JetStream refuses a message that its stream has no room for. */
const STREAM_IS_FULL = 10_077;

/** A message to be stored in a stream. */
export interface Outgoing {
  /** Without the prefix. */
  subject: string;
  body: Uint8Array;
  headers: MsgHdrs;
  /** Under the same id the server stores a message once within its window. It names tenant and content, or a place. */
  dedupId?: string;
}

export interface NatsQueueOptions {
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
 * The streams of one installation and what is done to them. They are work queues: a message leaves its stream when it
 * is acknowledged, so the length of a stream is the number of messages that wait or are in hand.
 */
export class NatsQueue {
  constructor(
    readonly connection: NatsConnection,
    private readonly options: NatsQueueOptions,
  ) {}

  get takeOverAfterMs(): number {
    return this.options.takeOverAfterMs ?? TAKE_OVER_AFTER_MS;
  }

  stream(role: StreamRole): string {
    return this.options.prefix + STREAMS[role];
  }

  /** Creates streams and consumers that are missing, and changes those that the settings want otherwise. */
  async prepare(): Promise<void> {
    await this.manage(async (manager) => {
      for (const role of Object.keys(STREAMS) as StreamRole[]) await this.#prepareStream(manager, role);
      for (const kind of ['urgent', 'common', 'suspects', 'given_up'] as const)
        await this.#prepareConsumer(manager, this.stream(kind));
    });
  }

  /** The configurations of the streams that hold messages to be stored. */
  configurations(): Promise<StreamConfig[]> {
    return this.manage((manager) =>
      Promise.all(
        (['urgent', 'common', 'suspects'] as const).map(
          async (role) => (await manager.streams.info(this.stream(role))).config,
        ),
      ),
    );
  }

  /** Rejects when JetStream does not answer. */
  async check(timeoutMs: number): Promise<void> {
    await this.connection.run('queue', timeoutMs, (client) => jetstreamManager(client, { timeout: timeoutMs }));
  }

  /**
   * Stores one message. Rejects with `QueueFull` or `NoStream` when it is not stored; any other error says nothing
   * about its fate.
   */
  async put({ subject, body, headers, dedupId }: Outgoing): Promise<void> {
    const ack = await this.#publish(subject, body, headers, dedupId);
    // the first one may be gone without having been stored: it was deleted by hand, or judged before a redrive
    if (!ack.duplicate || (await this.#waits(ack))) return;
    headers.delete(PubHeaders.MsgIdHdr); // the client has written it there
    await this.#publish(subject, body, headers);
  }

  /**
   * Copies a delivered message to the end of a stream, with the id of its message. The caller acknowledges the original
   * afterwards. The server stores the copy once, also when this is tried again.
   */
  async copy(raw: Msg, from: QueueKind, to: StreamRole, returns: number): Promise<void> {
    const place = placeOf(raw);
    const headers = headersOf(messageOf(from, raw, place));
    if (from === to) headers.set(RETURNS_HEADER, String(returns));
    const subject = `${STREAMS[to]}.${tailOfSubject(raw.subject)}`;
    const id = `${from}-${place.storedAt}-${place.seq}-${to}`;
    await this.#publish(isPublished(to) ? `alerts.${tailOfSubject(raw.subject)}` : subject, raw.data, headers, id);
  }

  /** Stores a dead message, with the reason. */
  async bury(raw: Msg, from: QueueKind, why: { reason: string; detail: string }): Promise<void> {
    const place = placeOf(raw);
    const message = messageOf(from, raw, place);
    const headers = headersOf({ ...message, headers: { ...message.headers, ...why } });
    const subject = `${STREAMS.dead}.${tailOf(message.routing_key)}`;
    await this.#publish(subject, raw.data, headers, `${from}-${place.storedAt}-${place.seq}-dead`);
  }

  async #publish(subject: string, body: Uint8Array, headers: MsgHdrs, msgID?: string): Promise<PubAck> {
    const options = { headers, timeout: ANSWER_WITHIN_MS, ...(msgID !== undefined && { msgID }) };
    try {
      return await this.connection.whileConnected((client) =>
        jetstream(client).publish(this.options.prefix + subject, body, options),
      );
    } catch (error) {
      if (error instanceof JetStreamApiError && error.code === STREAM_IS_FULL) throw new QueueFull();
      if (error instanceof Error && error.cause instanceof RequestError && error.cause.isNoResponders())
        throw new NoStream();
      if (error instanceof Unavailable) throw error;
      throw new Unavailable('queue', `NATS did not take the message: ${String(error)}`, {
        technology: 'nats',
        cause: error,
      });
    }
  }

  /** Whether the message of which this one is a duplicate is still in its stream. */
  async #waits({ stream, seq }: PubAck): Promise<boolean> {
    return this.manage(async (manager) => (await manager.streams.getMessage(stream, { seq })) !== null);
  }

  async #prepareStream(manager: JetStreamManager, role: StreamRole): Promise<void> {
    const { prefix, limit, replicas } = this.options;
    const name = this.stream(role);
    const wanted = {
      subjects: SUBJECTS[role].map((subject) => prefix + subject),
      num_replicas: replicas,
      duplicate_window: nanos(DEDUP_WINDOW_MS),
      ...(role === 'dead' ? EVIDENCE : { max_msgs: isPublished(role) ? limit : -1 }),
    };
    const found = await manager.streams.info(name).catch((error: unknown) => {
      return absent(error, JetStreamApiCodes.StreamNotFound);
    });
    if (!found) {
      await manager.streams.add({
        name,
        ...wanted,
        storage: StorageType.File,
        retention: role === 'dead' ? RetentionPolicy.Limits : RetentionPolicy.Workqueue,
        discard: role === 'dead' ? DiscardPolicy.Old : DiscardPolicy.New,
      });
    } else if (Object.entries(wanted).some(([key, value]) => !isSame(found.config[key as keyof StreamConfig], value))) {
      await manager.streams.update(name, wanted);
    }
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

  /** Does `work`; two processes may do the same at the same time, so it is tried once more. */
  private async manage<T>(work: (manager: JetStreamManager) => Promise<T>): Promise<T> {
    const once = () =>
      this.connection.run('queue', ANSWER_WITHIN_MS, async (client) =>
        work(await jetstreamManager(client, { timeout: ANSWER_WITHIN_MS, checkAPI: false })),
      );
    try {
      return await once();
    } catch (error) {
      if (!(error instanceof Unavailable && error.cause instanceof JetStreamApiError)) throw error;
      await sleep(50);
      return once();
    }
  }
}

const isPublished = (role: StreamRole): boolean => role === 'urgent' || role === 'common';

function absent(error: unknown, code: number): undefined {
  if (!(error instanceof JetStreamApiError && error.code === code)) throw error;
}

const isSame = (one: unknown, other: unknown): boolean => JSON.stringify(one) === JSON.stringify(other);

/** The stream has no room. The message is not stored. */
export class QueueFull extends Unavailable {
  constructor() {
    super('queue', 'The queue is full.', { technology: 'nats' });
  }
}

/** No stream takes the subject, as after the loss of all data of NATS. The message is not stored. */
export class NoStream extends Unavailable {
  constructor() {
    super('queue', 'No stream takes the message.', { technology: 'nats' });
  }
}
