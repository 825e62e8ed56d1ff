import { createHmac, timingSafeEqual, type KeyObject } from 'node:crypto';
import { decodeHint, encodeHint, type Hint } from '@tocsin/contracts';

const LF = 0x0a;
const LINE_END = Buffer.from([LF]);

/** A hint as it travels: with a key, a line with its signature goes before it. */
export function encodeMessage(topic: string, hint: Hint, key?: KeyObject): Buffer {
  const bytes = encodeHint(hint);
  return key ? Buffer.concat([signatureOf(topic, bytes, key), LINE_END, bytes]) : bytes;
}

/** In base64url, without padding. */
const SIGNATURE_LENGTH = 43;

/** Reads it. Undefined for whatever is no hint, or not signed with our key; without a key, for everything. */
export function decodeMessage(topic: string, bytes: Buffer, key: KeyObject | undefined): Hint | undefined {
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
