import {
  MAX_MESSAGE_BYTES,
  parseMessages,
  partIdOf,
  publishedForm,
  shortenToFit,
  tellingHeaders,
  traceContextIn,
  type ParsedMessage,
} from '@tocsin/messages';
import {
  traceContextOf,
  type DeadLetter,
  type DeadLetterReason,
  type InputError,
  type PlannedDelivery,
  type PlannedEvent,
  type TraceContext,
  type ValidMessage,
} from '@tocsin/contracts';
import type { BatchMessage } from './handle-batch';

/** Who is told of a message, if the entry that it leads to rings. */
export type Plan = (message: ValidMessage) => PlannedDelivery[];

/** A message after all steps that need no I/O: either planned, or a dead letter. */
export type ReadMessage = PlannedMessage | { ok: false; letter: DeadLetter };

export interface PlannedMessage {
  ok: true;
  planned: PlannedEvent;
  understood: readonly string[];
  unknown: readonly string[];
  /** The span of the producer, sampled or not. */
  parent?: TraceContext | undefined;
  /** The position of the message in a delivery of several, from 0; undefined when it is the only one. */
  part?: number;
}

/**
 * Parses a delivery, leniently, and plans its messages: one message, or those of another system's webhook, each judged
 * alone. Never throws. `onReplaced` is called with the number of characters that cannot be stored and were replaced.
 */
export function readMessages(
  received: BatchMessage,
  plan: Plan,
  onReplaced: (characters: number) => void,
): ReadMessage[] {
  if (received.given_up) return [{ ok: false, letter: letterOf(received, received.given_up, GIVEN_UP, null) }];
  const { messages, replaced } = parseMessages(received.body, received, 'lenient');
  if (replaced > 0) onReplaced(replaced);
  return messages.map((parsed, index) => readMessage(received, parsed, plan, messages.length > 1 ? index : undefined));
}

function readMessage(received: BatchMessage, parsed: ParsedMessage, plan: Plan, part: number | undefined): ReadMessage {
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
  const parent = traceContextOf(received.headers?.['traceparent']) ?? traceContextIn(message.metadata);
  const planned = {
    message,
    body_hash,
    trace_id: parent?.trace_id ?? null,
    span_id: parent?.sampled ? parent.span_id : undefined,
    deliveries: plan(message),
  };
  return { ok: true, planned, understood, unknown, parent, ...(part !== undefined && { part }) };
}

/** The dead letter of a message that the event log refuses. */
export function refusedLetterOf(
  received: BatchMessage,
  { planned: { message }, part }: PlannedMessage,
  reason: DeadLetterReason,
  detail: string,
): DeadLetter {
  if (part === undefined) return letterOf(received, reason, detail, message.tenant_id);
  shortenToFit(message, MAX_MESSAGE_BYTES);
  return letterOf(alone(received, part, publishedForm(message)), reason, detail, message.tenant_id);
}

/**
 * Makes of a delivery of several messages a delivery of this message alone, with an id of its part. A dead letter holds
 * no other message: a redrive must not store the others again.
 */
function alone(received: BatchMessage, part: number | undefined, bytes: Uint8Array | undefined): BatchMessage {
  if (part === undefined || !bytes) return received;
  return {
    ...received,
    body: Buffer.from(bytes),
    message_id: partIdOf(received.message_id, part),
    content_encoding: undefined,
  };
}

/** The tenant stays unknown: a message that ended the processes that read it is not read again. */
const GIVEN_UP =
  'It was delivered as often as the queue allows and never settled: it seems to end each process that handles it.';

/**
 * The longest detail that is kept, in characters: enough to say what was wrong, and short enough for an operator to
 * read.
 */
const MAX_DETAIL = 1_000;

export function letterOf(
  received: BatchMessage,
  reason: DeadLetterReason,
  detail: string,
  tenant: DeadLetter['tenant_id'],
): DeadLetter {
  const { body, routing_key = null, message_id = null, timestamp = null, content_encoding = null, headers } = received;
  return {
    tenant_id: tenant,
    // only the beginning of a longer body is kept, and only letters with this reason say that they cannot be redriven
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

export const inWords = ({ pointer, detail }: InputError): string => (pointer ? `${pointer}: ${detail}` : detail);
