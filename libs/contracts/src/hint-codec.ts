import { createHmac, timingSafeEqual, type KeyObject } from 'node:crypto';
import type { FilterFields, Hint, HopTimes } from './event';
import { asJsonLine } from './json-line';
import { traceContextOf, traceparentOf } from './trace-context';
import { SEVERITIES } from './wire';

/** The subject of the event bus that carries a tenant's hints. */
export const topicOf = (tenantId: string, prefix = ''): string => `${prefix}alerts:${tenantId}`;

/**
 * The version of the message between processor and gateway. A gateway that does not know the version reads the event
 * log instead. An optional field can be added without a new version: a gateway that does not know it filters as before.
 */
const HINT_VERSION = 1;
const LF = 0x0a;
const LINE_END = Buffer.from([LF]);

/**
 * A hint as bytes: a line of JSON (version, position, the `fp` before it, event name, filter fields, the `traceparent`
 * and the times of a sampled trace), LF, then the `data` line exactly as it will be sent. Without data the gateway
 * reads the entry from the event log.
 */
export function encodeHint(hint: Hint): Buffer {
  const { epoch, seq, fp, prev_fp, event, filter } = hint;
  const traceparent = hint.trace && traceparentOf(hint.trace);
  const fields = { v: HINT_VERSION, epoch, seq, fp, prev_fp, event, ...filter, traceparent, hops: hint.hops };
  const head = Buffer.from(`${JSON.stringify(fields)}\n`);
  return hint.data ? Buffer.concat([head, hint.data]) : head;
}

/**
 * Reads one hint, or several with LF between them. Undefined for anything else: a hint proves nothing, and the caller
 * then reads the event log's position.
 */
export function decodeHints(bytes: Buffer): Hint[] | undefined {
  const hints: Hint[] = [];
  for (let from = 0; ;) {
    const headEnd = bytes.indexOf(LF, from);
    if (headEnd < 0) return undefined;
    const dataEnd = bytes.indexOf(LF, headEnd + 1);
    const data = bytes.subarray(headEnd + 1, dataEnd < 0 ? bytes.length : dataEnd);
    const hint = hintOfLines(bytes.toString('utf8', from, headEnd), data);
    if (!hint) return undefined;
    hints.push(hint);
    if (dataEnd < 0) return hints;
    from = dataEnd + 1;
  }
}

function hintOfLines(headLine: string, dataLine: Buffer): Hint | undefined {
  let head: unknown;
  try {
    head = JSON.parse(headLine);
  } catch {
    return undefined;
  }
  if (!isHintHead(head)) return undefined;
  const { epoch, seq, fp, prev_fp, event, severity, previous_severity, type, previous_type, service } = head;
  const trace = head.traceparent === undefined ? undefined : traceContextOf(head.traceparent);
  return {
    epoch,
    seq,
    fp,
    prev_fp,
    event,
    filter: { severity, previous_severity, type, ...(previous_type !== undefined && { previous_type }), service },
    // an older processor leaves line separators raw, which replay would not do
    data: dataLine.length > 0 ? asJsonLine(dataLine) : null,
    ...(trace && { trace }),
    ...(areHops(head.hops) && { hops: { taken: head.hops.taken, stored: head.hops.stored } }),
  };
}

type HintHead = Omit<Hint, 'data' | 'filter' | 'trace' | 'hops'> &
  FilterFields & { traceparent?: unknown; hops?: unknown };

function areHops(value: unknown): value is HopTimes {
  const hops = value as HopTimes | null | undefined;
  return Number.isFinite(hops?.taken) && Number.isFinite(hops?.stored);
}

function isHintHead(value: unknown): value is HintHead {
  if (typeof value !== 'object' || value === null) return false;
  const head = value as Partial<HintHead> & { v?: unknown };
  return (
    head.v === HINT_VERSION &&
    typeof head.epoch === 'string' &&
    typeof head.fp === 'string' &&
    (typeof head.prev_fp === 'string' || head.prev_fp === null) &&
    Number.isSafeInteger(head.seq) &&
    (head.event === 'inventory_alert' || head.event === 'notification' || head.event === 'alert_update') &&
    SEVERITIES.some((severity) => severity === head.severity) &&
    typeof head.service === 'string'
  );
}

/**
 * The message on `alerts:<tenant>`: encoded hints of this tenant, with LF between them. With a key, a line with their
 * signature comes first. A gateway of an older release understands a message of one hint; for more it reads the event
 * log.
 */
export function encodeSignedHints(topic: string, hints: readonly Buffer[], key?: KeyObject): Buffer {
  const bytes = Buffer.concat(hints.flatMap((hint, index) => (index === 0 ? [hint] : [LINE_END, hint])));
  return key ? Buffer.concat([signatureOf(topic, bytes, key), LINE_END, bytes]) : bytes;
}

/** In base64url, without padding. */
const SIGNATURE_LENGTH = 43;

/**
 * Reads a signed message. Undefined when it holds no hints or is not signed with this key. Without a key always
 * undefined.
 */
export function decodeSignedHints(topic: string, bytes: Buffer, key: KeyObject | undefined): Hint[] | undefined {
  // a message without a signature costs only this comparison
  if (!key || bytes[SIGNATURE_LENGTH] !== LF) return undefined;
  const signature = bytes.subarray(0, SIGNATURE_LENGTH);
  const signed = bytes.subarray(SIGNATURE_LENGTH + 1);
  const expected = signatureOf(topic, signed, key);
  return signature.length === expected.length && timingSafeEqual(signature, expected) ? decodeHints(signed) : undefined;
}

/** The head of a hint has some hundred bytes. */
const MOST_HEAD_BYTES = 4_096;

/**
 * Whether a message has the form of hints, of any version and with any signature. It proves nothing about their
 * origin: it only tells them from what other programs publish on the same topics.
 */
export function looksLikeHints(bytes: Buffer): boolean {
  const from = bytes[SIGNATURE_LENGTH] === LF ? SIGNATURE_LENGTH + 1 : 0;
  const end = bytes.indexOf(LF, from);
  if (end < 0 || end - from > MOST_HEAD_BYTES) return false;
  try {
    const { epoch, seq, fp } = JSON.parse(bytes.toString('utf8', from, end)) as Record<string, unknown>;
    return typeof epoch === 'string' && Number.isSafeInteger(seq) && typeof fp === 'string';
  } catch {
    return false; // no JSON, or `null`, which has no fields
  }
}

/**
 * The signature is compared as base64 text, because the last character has unused bits. It covers the topic as well:
 * one tenant's hint is not valid for another tenant.
 */
const signatureOf = (topic: string, bytes: Buffer, key: KeyObject): Buffer =>
  Buffer.from(createHmac('sha256', key).update(`${topic}\n`).update(bytes).digest('base64url'));
