import type { LogPosition } from '../event';
import type { TenantId } from '../tenant';

/** A message that was published, with what identifies it behind the queue. */
export interface PublishedMessage {
  tenant_id: TenantId;
  service: string;
  id: string;
  /** The hash that the processor will compute from the bytes that were handed to the queue. */
  body_hash: string;
  /** SHA-256 of these bytes, hexadecimal. It identifies a dead letter. */
  bytes_sha256: string;
}

/**
 * What became of a published message. `stored`: it is the entry at this position, stored now or by an earlier send.
 * `folded`: it is recorded as a repeat without an entry of its own. `dead`: it is a dead letter.
 */
export type Receipt =
  { outcome: 'stored'; position: LogPosition } | { outcome: 'folded' } | { outcome: 'dead'; reason: string };

/**
 * Asks the event log what became of messages.
 *
 * - The answers are in the order of the messages; undefined while nothing is known. An answer never changes.
 * - A dead letter is found for one minute after it was recorded, because the caller has just published the message.
 * - Throws `Unavailable` when the store is away or takes longer than 1 s.
 */
export abstract class Receipts {
  abstract of(messages: readonly PublishedMessage[]): Promise<(Receipt | undefined)[]>;
}
