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

/** The same value with the keys of every object in their order. What is in order already is not copied. */
export function inOrder(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) {
    const list = value.map(inOrder);
    return list.some((child, index) => child !== value[index]) ? list : value;
  }
  const fields = value as Record<string, unknown>;
  const keys = Object.keys(fields);
  let same = true;
  let before: string | undefined;
  const entries: [string, unknown][] = [];
  for (const key of keys) {
    const child = inOrder(fields[key]);
    if (child !== fields[key] || (before !== undefined && before > key)) same = false;
    before = key;
    entries.push([key, child]);
  }
  return same ? value : Object.fromEntries(entries.sort(([one], [other]) => (one < other ? -1 : 1)));
}
