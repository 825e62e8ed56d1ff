import { hash } from 'node:crypto';
import { QueueFull, type ValidMessage } from '@tocsin/contracts';
import type { AlertIntake, PublishContext, PublishOutcome, RawIntake, RawMessage } from '@tocsin/contracts/ports';
import { publishedForm, routingKeyOf, Turns } from '@tocsin/messages';
import { within } from '@tocsin/timing';
import { headersOf } from './nats-message';
import { NoStream, type NatsQueue, type Outgoing } from './nats-queue';
import { subjectOf } from './subjects';

/** How many messages of one call wait for the server's answer at the same time: enough to keep a server busy. */
const AT_A_TIME = 256;
/** How many messages of all calls may wait, eight batches of the HTTP intake. */
const MOST_WAITING = 4_096;
/** So that the caller has its outcomes within 5 s. */
const PUBLISH_WITHIN_MS = 4_700;

type Named = Outgoing & { id: string };

/**
 * Publishes to the streams. A message is confirmed when JetStream has stored it, on a majority of its replicas. The
 * server's id for duplicates is made of tenant, service, id and body: an equal id of another tenant, or with another
 * body, is another message.
 */
export class NatsIntake implements AlertIntake {
  readonly #door: Door;

  constructor(queue: NatsQueue) {
    this.#door = new Door(queue);
  }

  async publish(messages: readonly ValidMessage[], { traceparent }: PublishContext = {}): Promise<PublishOutcome[]> {
    const turns = new Turns();
    const put: Named[] = [];
    for (const message of messages) {
      if (turns.over) await turns.next();
      const body = publishedForm(message);
      put.push({
        id: message.id,
        subject: subjectOf(routingKeyOf(message)),
        body,
        headers: headersOf({ message_id: message.id, headers: traceparent ? { traceparent } : {} }),
        dedupId: dedupIdOf(message, body),
      });
    }
    return this.#door.put(put);
  }
}

/** Puts messages back into the streams unchanged. They have no id for the server: each is to be judged again. */
export class NatsRawIntake implements RawIntake {
  readonly #door: Door;

  constructor(queue: NatsQueue) {
    this.#door = new Door(queue);
  }

  republish(messages: readonly RawMessage[]): Promise<PublishOutcome[]> {
    return this.#door.put(
      messages.map(({ body, routing_key, ...said }) => ({
        id: said.message_id,
        subject: subjectOf(routing_key),
        body,
        headers: headersOf(said),
      })),
    );
  }
}

/** Stores many messages, with bounds of time and number. */
class Door {
  #waiting = 0;

  constructor(private readonly queue: NatsQueue) {}

  /** Throws when nothing was stored. When only a part was stored, the rest has failed. */
  async put(messages: readonly Named[]): Promise<PublishOutcome[]> {
    if (messages.length === 0) return [];
    if (this.#waiting + messages.length > MOST_WAITING) throw new QueueFull('nats', 'Too many messages wait for NATS.');
    this.#waiting += messages.length;
    try {
      const errors = await this.#errorsOf(messages);
      const refusals = errors.filter((error) => error instanceof QueueFull || error instanceof NoStream);
      const [refusal] = refusals;
      if (refusal && refusals.length === messages.length) throw refusal;
      return messages.map(({ id }, at) => outcomeOf(id, errors[at]));
    } finally {
      this.#waiting -= messages.length;
    }
  }

  /** The error of each message that failed. */
  async #errorsOf(messages: readonly Named[]): Promise<unknown[]> {
    await this.queue.connection.run('queue', PUBLISH_WITHIN_MS, () => Promise.resolve());
    const errors: unknown[] = messages.map(() => new Error('timeout'));
    let next = 0;
    let over = false;
    const work = async () => {
      while (next < messages.length && !over) {
        const at = next++;
        errors[at] = await this.#put(messages[at]!);
      }
    };
    const all = Promise.all(Array.from({ length: Math.min(AT_A_TIME, messages.length) }, work));
    await within(PUBLISH_WITHIN_MS, all, () => undefined);
    over = true;
    return [...errors];
  }

  /** The error, if the message failed. A stream that is missing is made once. */
  async #put(message: Named): Promise<unknown> {
    try {
      await this.queue.put(message);
    } catch (error) {
      if (!(error instanceof NoStream)) return error;
      return this.queue.streams
        .prepare()
        .then(() => this.queue.put(message))
        .catch((again: unknown) => again);
    }
    return undefined;
  }
}

const outcomeOf = (id: string, error: unknown): PublishOutcome =>
  error === undefined
    ? { id, outcome: 'confirmed' }
    : { id, outcome: 'failed', reason: error instanceof Error ? error.message : String(error) };

const dedupIdOf = ({ tenant_id, service, id }: ValidMessage, body: Buffer): string => {
  const content = hash('sha256', body, 'base64url');
  return hash('sha256', JSON.stringify([tenant_id, service, id, content]), 'base64url').slice(0, 22);
};
