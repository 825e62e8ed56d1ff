import { createHmac, timingSafeEqual, type KeyObject } from 'node:crypto';
import type { FilterFields, Hint } from './event';
import { asJsonLine } from './json-line';
import { SEVERITIES } from './wire';

/** The subject of the bus that a tenant's hints are published on. */
export const topicOf = (tenantId: string, prefix = ''): string => `${prefix}alerts:${tenantId}`;

/**
 * The version of the message between processor and gateway. A gateway that does not know it reads the log instead. A field
 * that is added and may be absent needs no other one: who does not know it filters as it did before.
 */
export const HINT_VERSION = 1;
const LF = 0x0a;
const LINE_END = Buffer.from([LF]);

/**
 * The message on `alerts:<tenant>`: a line of JSON (version, position, the `fp` before it, event name, filter fields), LF, then the `data`
 * line exactly as it will be sent. Without data the gateway reads the entry from the log.
 */
export function encodeHint(hint: Hint): Buffer {
  const { epoch, seq, fp, prev_fp, event, filter } = hint;
  const head = Buffer.from(`${JSON.stringify({ v: HINT_VERSION, epoch, seq, fp, prev_fp, event, ...filter })}\n`);
  return hint.data ? Buffer.concat([head, hint.data]) : head;
}

/** Reads such a message. A hint proves nothing, so whatever is not one is undefined, and the caller reads the log's position. */
export function decodeHint(bytes: Buffer): Hint | undefined {
  const end = bytes.indexOf(LF);
  if (end < 0) return undefined;
  let head: unknown;
  try {
    head = JSON.parse(bytes.toString('utf8', 0, end));
  } catch {
    return undefined;
  }
  if (!isHintHead(head)) return undefined;
  const { epoch, seq, fp, prev_fp, event, severity, previous_severity, type, previous_type, service } = head;
  const line = end + 1 < bytes.length ? bytes.subarray(end + 1) : null;
  if (line?.includes(LF)) return undefined;
  // a processor of before leaves line separators raw, which replay would not
  const data = line && asJsonLine(line);
  return {
    epoch,
    seq,
    fp,
    prev_fp,
    event,
    filter: { severity, previous_severity, type, ...(previous_type !== undefined && { previous_type }), service },
    data,
  };
}

type HintHead = Omit<Hint, 'data' | 'filter'> & FilterFields;

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

/** A hint as it travels: with a key, a line with its signature goes before it. */
export function encodeSignedHint(topic: string, hint: Hint, key?: KeyObject): Buffer {
  const bytes = encodeHint(hint);
  return key ? Buffer.concat([signatureOf(topic, bytes, key), LINE_END, bytes]) : bytes;
}

/** In base64url, without padding. */
const SIGNATURE_LENGTH = 43;

/** Reads it. Undefined for whatever is no hint, or not signed with our key; without a key, for everything. */
export function decodeSignedHint(topic: string, bytes: Buffer, key: KeyObject | undefined): Hint | undefined {
  // what has no signature costs no more than a look
  if (!key || bytes[SIGNATURE_LENGTH] !== LF) return undefined;
  const signature = bytes.subarray(0, SIGNATURE_LENGTH);
  const signed = bytes.subarray(SIGNATURE_LENGTH + 1);
  const expected = signatureOf(topic, signed, key);
  return signature.length === expected.length && timingSafeEqual(signature, expected) ? decodeHint(signed) : undefined;
}

/**
 * In base64, and compared so: the last character has bits that say nothing. Over the topic too: a tenant's hint is no other
 * tenant's.
 */
const signatureOf = (topic: string, bytes: Buffer, key: KeyObject): Buffer =>
  Buffer.from(createHmac('sha256', key).update(`${topic}\n`).update(bytes).digest('base64url'));
