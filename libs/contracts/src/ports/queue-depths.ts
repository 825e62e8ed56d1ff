import type { QueueDepth } from '../wire';

/**
 * How many messages the queue holds that no processor has settled, each of its parts by itself, urgent ones first. It
 * is asked for while an operator looks, so an answer costs the engine a few counts and the bytes of no message.
 *
 * - Nothing is changed: no message counts as delivered.
 * - Rejects with `Unavailable` when the engine is away, or does not answer within 2 s.
 */
export abstract class QueueDepths {
  abstract read(): Promise<QueueDepth[]>;
}
