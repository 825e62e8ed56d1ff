import {
  MAX_MESSAGE_BYTES,
  parseMessages,
  partIdOf,
  publishedForm,
  shortenToFit,
  tellingHeaders,
  traceIdIn,
  traceIdOf,
  type ParsedMessage,
} from '@tocsin/messages';
import type { DeadLetter, DeadLetterReason, InputError, PlannedEvent } from '@tocsin/contracts';
import type { ReceivedMessage } from '@tocsin/contracts/ports';
import { planDeliveries } from './plan-deliveries';

/** A message as ready as it gets without asking anybody: planned, or dead. */
export type ReadMessage =
  | {
      ok: true;
      planned: PlannedEvent;
      understood: readonly string[];
      unknown: readonly string[];
      /** Which of several it is. */ part?: number;
    }
  | { ok: false; letter: DeadLetter };

/**
 * Parses a delivery, leniently, and plans what it holds: one message, or those of another system's webhook, each judged on
 * its own. Never throws. `onReplaced` hears of characters that cannot be stored.
 */
export function readMessages(received: ReceivedMessage, onReplaced: (characters: number) => void): ReadMessage[] {
  if (received.given_up) return [{ ok: false, letter: letterOf(received, received.given_up, GIVEN_UP, null) }];
  const { messages, replaced } = parseMessages(received.body, received, 'lenient');
  if (replaced > 0) onReplaced(replaced);
  return messages.map((parsed, index) => readMessage(received, parsed, messages.length > 1 ? index : undefined));
}

function readMessage(received: ReceivedMessage, parsed: ParsedMessage, part: number | undefined): ReadMessage {
  if (!parsed.ok)
    return {
      ok: false,
      letter: letterOf(
        alone(received, part, parsed.bytes),
        parsed.code,
        parsed.errors.map(inWords).join(' '),
        parsed.tenant_id,
      ),
    };
  const { message, body_hash, understood, unknown } = parsed;
  const planned = {
    message,
    body_hash,
    trace_id: traceIdOf(received.headers?.['traceparent']) ?? traceIdIn(message.metadata),
    deliveries: planDeliveries(message),
  };
  return { ok: true, planned, understood, unknown, ...(part !== undefined && { part }) };
}

/** The letter of a message that the log refuses. */
export function refusedLetterOf(
  received: ReceivedMessage,
  { planned: { message }, part }: Extract<ReadMessage, { ok: true }>,
  reason: DeadLetterReason,
  detail: string,
): DeadLetter {
  if (part === undefined) return letterOf(received, reason, detail, message.tenant_id);
  shortenToFit(message, MAX_MESSAGE_BYTES);
  return letterOf(alone(received, part, publishedForm(message)), reason, detail, message.tenant_id);
}

/**
 * A delivery of several messages as if it held this one alone, under the same id. A letter holds no other: what was stored
 * beside it is not to be stored again when it is redriven.
 */
function alone(received: ReceivedMessage, part: number | undefined, bytes: Uint8Array | undefined): ReceivedMessage {
  if (part === undefined || !bytes) return received;
  return {
    ...received,
    body: Buffer.from(bytes),
    message_id: partIdOf(received.message_id, part),
    content_encoding: undefined,
  };
}

/** Whose it is stays unknown: nothing that ended its readers is read once more. */
const GIVEN_UP = 'It was delivered as often as the queue allows, and was never settled: it ends whatever handles it.';

/** Enough to say what was wrong, and no more than an operator reads. Characters. */
const MAX_DETAIL = 1_000;

export function letterOf(
  received: ReceivedMessage,
  reason: DeadLetterReason,
  detail: string,
  tenant: DeadLetter['tenant_id'],
): DeadLetter {
  const { body, routing_key = null, message_id = null, timestamp = null, content_encoding = null, headers } = received;
  return {
    tenant_id: tenant,
    // of what is longer only the beginning is kept, and only such a letter says that it cannot be redriven
    reason: body.length > MAX_MESSAGE_BYTES && reason !== 'delivery_limit' ? 'message_too_large' : reason,
    detail: detail.slice(0, MAX_DETAIL).toWellFormed(),
    body: body.subarray(0, MAX_MESSAGE_BYTES),
    routing_key,
    message_id,
    message_timestamp: timestamp,
    content_encoding,
    headers: tellingHeaders(headers) ?? null,
  };
}

const inWords = ({ pointer, detail }: InputError): string => (pointer ? `${pointer}: ${detail}` : detail);
