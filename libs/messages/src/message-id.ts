import { v7 as uuidv7 } from 'uuid';
import { PRINTABLE_ASCII } from './alert-message';
import { digest } from './body-hash';
import type { Envelope } from './parsed-message';

/** The transport's id as the message's id: unchanged where it is a valid one, else a digest of it. */
const transportId = (messageId: string): string =>
  messageId.length <= 200 && PRINTABLE_ASCII.test(messageId) ? messageId : digest(messageId);

/**
 * The id of one of several messages that share a transport id. It is the same when the message is sent again alone
 * under that id.
 */
export const partIdOf = (messageId: string | undefined, index: number): string | undefined =>
  messageId?.trim() ? transportId(`${messageId}/${index}`) : undefined;

/**
 * The id that every redelivery of the message repeats, derived from the transport or the body where possible; else a
 * fresh one. A body with a time is sent once, unless it is a snapshot: the same state can be reported again in the same
 * words.
 */
export function idFor(bytes: Uint8Array, { message_id, timestamp }: Envelope, bodyIsSentOnce: boolean): string {
  if (message_id?.trim()) return transportId(message_id);
  if (bodyIsSentOnce || timestamp !== undefined)
    return digest(Buffer.concat([bytes, Buffer.from(String(timestamp ?? ''))]));
  return uuidv7();
}
