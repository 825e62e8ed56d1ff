import { hash } from 'node:crypto';

/**
 * Before the first point of a hash stands how it was made. What was stored under another way of making it cannot be compared:
 * the log takes it for the same message (`store_events`, `receipts_of`).
 */
const VERSION = '2';

/** Tells the same message sent again from another one under its id. The order of keys is no difference. */
export const bodyHashOf = (said: object): string => `${VERSION}.${digest(JSON.stringify(said))}`;

/** 128 bits of SHA-256: names, not signatures. */
export const digest = (text: string | Uint8Array): string => hash('sha256', text, 'base64url').slice(0, 22);

/** The same value with the keys of every object in their order. What is in order already, as most is, is not copied. */
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
    // assignment would give it a meaning, and is much the faster way for every other
    if (key === '__proto__') Object.defineProperty(fields, key, { value: child, enumerable: true });
    else fields[key] = child;
  }
  return fields;
}
