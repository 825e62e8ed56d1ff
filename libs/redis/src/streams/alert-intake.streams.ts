import { QueueFull, Unavailable, type ValidMessage } from '@tocsin/contracts';
import type { AlertIntake, PublishContext, PublishOutcome, RawIntake, RawMessage } from '@tocsin/contracts/ports';
import { publishedForm, readRoutingKey, routingKeyOf, Turns } from '@tocsin/messages';
import { fieldsOf } from './stream-message';
import type { StreamMessage, StreamQueue } from './stream-queue';

/** How many messages one script appends: Redis serves no other client meanwhile. */
export const MESSAGES_A_SCRIPT = 500;

/**
 * Publishes to the streams. A message is confirmed when Redis has appended it, which is as durable as Redis's
 * `appendfsync` makes it. Beyond `limit` waiting messages the queue is full.
 */
export class StreamIntake implements AlertIntake {
  constructor(
    private readonly queue: StreamQueue,
    private readonly limit: number,
  ) {}

  async publish(messages: readonly ValidMessage[], { traceparent }: PublishContext = {}): Promise<PublishOutcome[]> {
    const turns = new Turns();
    const headers = traceparent ? { traceparent } : {};
    const put: (StreamMessage & { id: string })[] = [];
    for (const message of messages) {
      if (turns.over) await turns.next();
      put.push({
        id: message.id,
        urgent: message.severity === 'urgent',
        fields: fieldsOf({ body: publishedForm(message), routing_key: routingKeyOf(message), headers }),
      });
    }
    return append(this.queue, this.limit, put);
  }
}

/** Puts messages back into the streams unchanged. */
export class StreamRawIntake implements RawIntake {
  constructor(
    private readonly queue: StreamQueue,
    private readonly limit: number,
  ) {}

  republish(messages: readonly RawMessage[]): Promise<PublishOutcome[]> {
    return append(
      this.queue,
      this.limit,
      messages.map((message) => ({
        id: message.message_id,
        urgent: readRoutingKey(message.routing_key)?.severity === 'urgent',
        fields: fieldsOf(message),
      })),
    );
  }
}

/** Throws when nothing was appended. When only a part was, the rest has failed. */
async function append(
  queue: StreamQueue,
  limit: number,
  messages: readonly (StreamMessage & { id: string })[],
): Promise<PublishOutcome[]> {
  const outcomes: PublishOutcome[] = [];
  for (let at = 0; at < messages.length; at += MESSAGES_A_SCRIPT) {
    const some = messages.slice(at, at + MESSAGES_A_SCRIPT);
    try {
      if (!(await queue.put(some, limit))) throw new QueueFull('redis');
    } catch (error) {
      if (at === 0 || !(error instanceof Unavailable)) throw isOutOfMemory(error) ? noMemory(error) : error;
      return [...outcomes, ...messages.slice(at).map(({ id }) => failed(id, error.message))];
    }
    outcomes.push(...some.map(({ id }) => ({ id, outcome: 'confirmed' as const })));
  }
  return outcomes;
}

/** Redis judges its memory before it runs a script, so nothing of the script was done. */
const isOutOfMemory = (error: unknown): boolean =>
  error instanceof Unavailable && error.cause instanceof Error && error.cause.message.startsWith('OOM ');

const noMemory = (cause: unknown) => new QueueFull('redis', 'Redis has no memory left for the queue.', { cause });

const failed = (id: string, reason: string): PublishOutcome => ({ id, outcome: 'failed', reason });
