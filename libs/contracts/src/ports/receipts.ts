import type { LogPosition } from '../event';
import type { TenantId } from '../tenant';

/** A message that was published, and what it takes to recognise it behind the queue. */
export interface PublishedMessage {
  tenant_id: TenantId;
  service: string;
  id: string;
  /** As the processor will compute it from the bytes that were handed to the queue. */
  body_hash: string;
  /** SHA-256 of these bytes, hexadecimal: a dead letter is known by them. */
  bytes_sha256: string;
}

/**
 * What became of a published message. `stored`: it is the entry at this position, now or since it was sent before.
 * `folded`: it is on record as a repeat without an entry of its own. `dead`: it is a dead letter.
 */
export type Receipt =
  { outcome: 'stored'; position: LogPosition } | { outcome: 'folded' } | { outcome: 'dead'; reason: string };

/**
 * Asks the log what became of messages.
 *
 * - The answers stand in the order asked for; undefined while nothing is known. What was answered once stays true.
 * - A letter is found for a minute after it was put on record: whoever asks has just published.
 * - Throws `Unavailable` when the store is away or takes longer than 1 s.
 */
export abstract class Receipts {
  abstract of(messages: readonly PublishedMessage[]): Promise<(Receipt | undefined)[]>;
}
