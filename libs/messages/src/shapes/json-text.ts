import { decodeBody } from '../decode-body';
import { isObject, type JsonObject } from './message-part';

/** The JSON object that a text holds: a message that was written twice. Undefined when it holds none that can be stored. */
export function objectIn(text: string): JsonObject | undefined {
  if (!/^\s*\{/.test(text)) return undefined;
  const inner = decodeBody(Buffer.from(text), Number.MAX_SAFE_INTEGER);
  return inner.ok && isObject(inner.value) ? inner.value : undefined;
}
