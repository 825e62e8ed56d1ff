import { MAX_MESSAGE_BYTES, parseMessages, tellingHeaders, traceIdIn, traceIdOf, type DeadLetter, type DeadLetterReason, type InputError, type ParsedMessage, type PlannedEvent } from '@tocsin/contracts';
import type { ReceivedMessage } from '@tocsin/contracts/ports';
import { planDeliveries } from './plan-deliveries';

/** A message as ready as it gets without asking anybody: planned, or dead. */
export type ReadMessage =
  | { ok: true; planned: PlannedEvent; understood: readonly string[]; unknown: readonly string[]; source: () => ReceivedMessage }
  | { ok: false; letter: DeadLetter };

/**
 * Parses a delivery, leniently, and plans what it holds: one message, or those of another system's webhook, each judged on
 * its own. Pure; never throws.
 */
export function readMessages(received: ReceivedMessage): ReadMessage[] {
  if (received.given_up) return [{ ok: false, letter: letterOf(received, received.given_up, GIVEN_UP, null) }];
  const { messages } = parseMessages(received.body, received, 'lenient');
  return messages.map((parsed) => readMessage(messages.length > 1 ? () => sourceOf(received, parsed) : () => received, received, parsed));
}

/** Of several messages each has its own letter, with itself alone: what was stored of them is not sent again with it. */
function sourceOf(received: ReceivedMessage, { alone }: ParsedMessage): ReceivedMessage {
  if (!alone) return received;
  const { bytes, message_id } = alone();
  return { ...received, body: Buffer.from(bytes), message_id, content_encoding: undefined };
}

function readMessage(source: () => ReceivedMessage, received: ReceivedMessage, parsed: ParsedMessage): ReadMessage {
  if (!parsed.ok) return { ok: false, letter: letterOf(source(), parsed.code, parsed.errors.map(inWords).join(' '), parsed.tenant_id) };
  const { message, body_hash, understood, unknown } = parsed;
  const planned = { message, body_hash, trace_id: traceIdOf(received.headers?.['traceparent']) ?? traceIdIn(message.metadata), deliveries: planDeliveries(message) };
  return { ok: true, planned, understood, unknown, source };
}

/** Whose it is stays unknown: nothing that ended its readers is read once more. */
const GIVEN_UP = 'It was delivered as often as the queue allows, and was never settled: it ends whatever handles it.';

/** Enough to say what was wrong, and no more than an operator reads. Characters. */
const MAX_DETAIL = 1_000;

export function letterOf(received: ReceivedMessage, reason: DeadLetterReason, detail: string, tenant: DeadLetter['tenant_id']): DeadLetter {
  const { body, routing_key = null, message_id = null, timestamp = null, content_encoding = null, headers } = received;
  return {
    tenant_id: tenant,
    // of what is longer only the beginning is kept, and only such a letter says that it cannot be redriven
    reason: body.length > MAX_MESSAGE_BYTES && reason !== 'delivery_limit' ? 'message_too_large' : reason,
    detail: detail.slice(0, MAX_DETAIL).toWellFormed(),
    body: body.subarray(0, MAX_MESSAGE_BYTES),
    routing_key, message_id, message_timestamp: timestamp, content_encoding, headers: tellingHeaders(headers) ?? null,
  };
}

const inWords = ({ pointer, detail }: InputError): string => (pointer ? `${pointer}: ${detail}` : detail);
