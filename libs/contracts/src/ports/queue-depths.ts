import type { QueueDepth } from '../wire';

/**
 * How many messages the queue holds that no processor has settled, each of its parts by itself, urgent ones first. It
 * is asked for while an operator looks, and by each gateway every 15 s, so an answer costs the engine a few counts and
 * the bytes of no message.
 *
 * - Nothing is changed: no message counts as delivered.
 * - Rejects with `Unavailable` when the engine is away, or does not answer within 2 s.
 */
export abstract class QueueDepths {
  abstract read(): Promise<QueueDepth[]>;

  /**
   * Whether it refuses messages because it holds as many as it may. Null: its length has no bound, and the engine tells
   * publishers by itself when it takes none (RabbitMQ). Rejects as `read` does.
   */
  abstract isFull(): Promise<boolean | null>;
}
