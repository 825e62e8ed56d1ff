import type { SlotScope, StreamHolder, StreamLimits } from '../held-streams';

/** `full` names the first scope without a free slot; then no slot was taken in any scope. */
export type TakeResult = 'taken' | { readonly full: SlotScope };

/**
 * How many streams a user, a tenant and an address have open, on all gateways together.
 *
 * - A stream takes a slot in each scope or in none. Of many takes at once, on any gateways, exactly as many succeed as
 *   there are slots.
 * - A gateway's slots count while the gateway lives: the slots of a crashed gateway are free again within 6 s.
 * - While the shared store is away or slow (300 ms), each gateway counts its own streams alone. A cap then limits one
 *   gateway, and limits all gateways again within seconds of the return. An outage is never a reason to refuse a
 *   stream.
 */
export abstract class StreamSlots {
  /** Takes the slots of one stream. Never rejects; resolves within about 300 ms. */
  abstract take(holder: StreamHolder, limits: StreamLimits): Promise<TakeResult>;
  /**
   * Gives back the slots of exactly this holder. May be called twice, and for a holder that took none. Never throws.
   */
  abstract release(holder: StreamHolder): void;
}
