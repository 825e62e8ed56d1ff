import { hash } from 'node:crypto';

/**
 * The version of the hash, which stands before its first point. Hashes of different versions cannot be compared: the
 * event log then takes the messages for the same one (`store_events`, `receipts_of`).
 */
const VERSION = '2';

/**
 * Distinguishes a repetition of the same message from another message with the same id. The order of keys does not
 * matter.
 */
export const bodyHashOf = (said: object): string => `${VERSION}.${digest(JSON.stringify(said))}`;

/** 128 bits of SHA-256. It names things and signs nothing. */
export const digest = (text: string | Uint8Array): string => hash('sha256', text, 'base64url').slice(0, 22);

/** The same value with the keys of every object sorted. A value that is sorted already, as most are, is not copied. */
export const inOrder = (value: unknown): unknown => (isInOrder(value) ? value : sorted(value));

function isInOrder(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return true;
  if (Array.isArray(value)) return value.every(isInOrder);
  let before = '';
  for (const key of Object.keys(value)) {
    if (before > key || !isInOrder((value as Record<string, unknown>)[key])) return false;
    before = key;
  }
  return true;
}

function sorted(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map(sorted);
  const fields: Record<string, unknown> = {};
  for (const key of Object.keys(value).sort()) {
    const child = sorted((value as Record<string, unknown>)[key]);
    // assignment would set the prototype; for every other key it is much the faster way
    if (key === '__proto__') Object.defineProperty(fields, key, { value: child, enumerable: true });
    else fields[key] = child;
  }
  return fields;
}
