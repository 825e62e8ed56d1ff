import type { SlotScope, StreamHolder, StreamLimits } from '../held-streams';

/** `full` names the first scope in which nothing was free; then nothing was taken in any. */
export type TakeResult = 'taken' | { readonly full: SlotScope };

/**
 * How many streams a user, a tenant and an address have open, on all gateways together.
 *
 * - A stream takes a slot in each scope or in none. Of many takes at once, on any gateways, exactly as many succeed as
 *   there are slots.
 * - What a gateway holds counts while the gateway lives: the slots of one that died are free again within 6 s.
 * - While whoever counts for all is away or slow (300 ms), each gateway counts its own streams alone. A cap then holds a
 *   gateway, and for all again within seconds of the return. It is never a reason to refuse a stream.
 */
export abstract class StreamSlots {
  /** Takes the slots of one stream. Never rejects; answers within 300 ms or little more. */
  abstract take(holder: StreamHolder, limits: StreamLimits): Promise<TakeResult>;
  /** Gives back what this very holder took. May be called twice, and for one that took nothing. Never throws. */
  abstract release(holder: StreamHolder): void;
}
