import type { Redis } from 'ioredis';
import { Unavailable } from '@tocsin/contracts';
import type { QueueKind } from '@tocsin/contracts/ports';
import type { RedisConnection } from '../connection';
import { CLAIM, FORGET, GIVE_BACK, LEAVE, LENGTHS, MOVE, PUT } from './stream-queue.scripts';

/** The group in which all processors share the messages of each stream. */
export const GROUP = 'processors';
/**
 * A message that its consumer has not refreshed for this long is taken over, in milliseconds. A consumer refreshes all
 * that it holds three times in this time, so only a dead, cut off or stuck one loses its messages.
 */
export const TAKE_OVER_AFTER_MS = 10_000;
/** Holds what was given back until the next claim. No process has this name. */
const RETURNED = 'returned';
const ANSWER_WITHIN_MS = 5_000;
/** How long replicas have to say that they have a message. Meanwhile its connection does nothing else. */
const REPLICAS_WITHIN_MS = 2_000;
/** How many ids one command has at most: Redis serves no other client meanwhile. */
const IDS_A_COMMAND = 1_000;
const FORGOTTEN_AFTER_MS = 3_600_000;

/** The fields of an entry and their values, in turn. */
export type StreamFields = readonly (string | Buffer)[];

/** A message to be appended. */
export interface StreamMessage {
  urgent: boolean;
  fields: StreamFields;
}

/** An entry as it is read. */
export interface StreamEntry {
  id: string;
  /** Bytes, names and values in turn. */
  fields: readonly Buffer[];
  /** How often it came back before this delivery. */
  returns: number;
}

type Reply = [id: Buffer, fields: Buffer[]];

/**
 * The streams of one system and what is done to them. An entry leaves its stream when it is acknowledged, so the length
 * of a stream is the number of messages that wait or are in hand, and what is pending is never trimmed.
 */
export class StreamQueue {
  constructor(
    private readonly commands: RedisConnection,
    /** Stands before every key. */
    readonly prefix: string,
    /** How many replicas must have a message before it is confirmed. */
    private readonly replicas = 0,
  ) {}

  /** The key of a stream. */
  key(kind: QueueKind): string {
    return `${this.prefix}queue:${kind}`;
  }

  /** Appends all messages, or none: then it returns false, because `limit` messages would be exceeded. */
  async put(messages: readonly StreamMessage[], limit: number): Promise<boolean> {
    const words = messages.flatMap(({ urgent, fields }) => [urgent ? 1 : 2, fields.length, ...fields]);
    const [put, has] = await this.run(async (client) => {
      const putting = client.eval(PUT, 2, this.key('urgent'), this.key('common'), limit, ...words);
      return Promise.all([putting, this.replicas > 0 ? client.wait(this.replicas, REPLICAS_WITHIN_MS) : 0]);
    });
    // they are in the queue all the same; sent again, they are duplicates that the log drops
    if (put === 1 && has < this.replicas)
      throw new Unavailable('queue', 'Too few replicas of Redis have the messages.', { technology: 'redis' });
    return put === 1;
  }

  /** How many messages each stream holds, and the id of its first one. A stream that does not exist is empty. */
  async lengths(
    kinds: readonly QueueKind[],
    withinMs: number,
  ): Promise<{ messages: number; firstId: string | null }[]> {
    const keys = kinds.map((kind) => this.key(kind));
    const answer = await this.commands.run('queue', withinMs, (client) => client.eval(LENGTHS, keys.length, ...keys));
    return (answer as [number, string | null][]).map(([messages, firstId]) => ({ messages, firstId }));
  }

  /** Creates stream and group, unless they are there, and forgets consumers that ended long ago. */
  prepare(kind: QueueKind): Promise<void> {
    return this.run(async (client) => {
      await client.xgroup('CREATE', this.key(kind), GROUP, '0', 'MKSTREAM').catch((error: Error) => {
        if (!error.message.startsWith('BUSYGROUP')) throw error;
      });
      await client.eval(FORGET, 1, this.key(kind), GROUP, FORGOTTEN_AFTER_MS);
    });
  }

  /** Takes over at most `count` messages that came back or whose consumer is dead. */
  async claim(kind: QueueKind, consumer: string, count: number): Promise<StreamEntry[]> {
    const claimed: StreamEntry[] = [];
    let cursor = '0-0';
    do {
      const [next, entries] = await this.run(
        (client) =>
          client.callBuffer(
            'EVAL',
            ...[CLAIM, 1, this.key(kind), GROUP, consumer, TAKE_OVER_AFTER_MS, cursor, count - claimed.length],
          ) as Promise<[Buffer, [Buffer, number, Buffer[]][]]>,
      );
      for (const [id, deliveries, fields] of entries)
        claimed.push({ id: id.toString(), fields, returns: Math.max(0, deliveries - 1) });
      cursor = next.toString();
    } while (cursor !== '0-0' && claimed.length < count);
    return claimed;
  }

  /** Waits up to `blockMs` for new messages, over a connection that does nothing else. */
  async read(client: Redis, kind: QueueKind, consumer: string, count: number, blockMs: number): Promise<StreamEntry[]> {
    const answer = (await client.xreadgroupBuffer(
      'GROUP',
      GROUP,
      consumer,
      'COUNT',
      count,
      'BLOCK',
      blockMs,
      'STREAMS',
      this.key(kind),
      '>',
    )) as [Buffer, Reply[]][] | null;
    return (answer?.[0]?.[1] ?? []).map(([id, fields]) => ({ id: id.toString(), fields, returns: 0 }));
  }

  /** Removes settled messages. */
  async settle(kind: QueueKind, ids: readonly string[]): Promise<void> {
    for (const some of portions(ids))
      await this.run(async (client) => {
        // in one transaction: an entry that is acknowledged and not deleted would stay for ever
        const replies = await client
          .multi()
          .xdel(this.key(kind), ...some)
          .xack(this.key(kind), GROUP, ...some)
          .exec();
        for (const [error] of replies ?? []) if (error) throw error;
      });
  }

  /** Tells the group that the consumer is alive and still has these messages. */
  async refresh(kind: QueueKind, consumer: string, ids: readonly string[]): Promise<void> {
    for (const some of portions(ids))
      await this.run((client) => client.xclaim(this.key(kind), GROUP, consumer, 0, ...some, 'JUSTID'));
  }

  async giveBack(kind: QueueKind, ids: readonly string[]): Promise<void> {
    for (const some of portions(ids))
      await this.run((client) =>
        client.eval(GIVE_BACK, 1, this.key(kind), GROUP, RETURNED, TAKE_OVER_AFTER_MS, ...some),
      );
  }

  /** Gives back all that the consumer holds, and removes it. */
  async leave(kind: QueueKind, consumer: string): Promise<void> {
    let left: unknown;
    do
      left = await this.run((client) =>
        client.eval(LEAVE, 1, this.key(kind), GROUP, RETURNED, TAKE_OVER_AFTER_MS, consumer),
      );
    while (left !== 1);
  }

  async move(from: QueueKind, to: QueueKind, id: string): Promise<void> {
    await this.run((client) => client.eval(MOVE, 2, this.key(from), this.key(to), GROUP, id, messageIdOf(from, id)));
  }

  private run<T>(work: (client: Redis) => Promise<T>): Promise<T> {
    return this.commands.run('queue', ANSWER_WITHIN_MS, work);
  }
}

/**
 * The id of a message whose producer gave none. Two streams may give the same id to entries of the same millisecond, so
 * it names the stream too.
 */
export const messageIdOf = (kind: QueueKind, entryId: string): string => `${kind}-${entryId}`;

/** Whether the stream or its group is gone, as after the loss of Redis's data. */
export function isGroupMissing(error: unknown): boolean {
  const cause = error instanceof Unavailable ? error.cause : error;
  return cause instanceof Error && cause.message.includes('NOGROUP');
}

function* portions(ids: readonly string[]): Generator<readonly string[]> {
  for (let at = 0; at < ids.length; at += IDS_A_COMMAND) yield ids.slice(at, at + IDS_A_COMMAND);
}
