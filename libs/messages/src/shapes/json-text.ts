import { decodeBody } from '../decode-body';
import { isObject, type JsonObject } from './message-part';

/**
 * The JSON object in a text, for a message that was serialised twice. Undefined when the text holds none that can be
 * stored.
 */
export function objectIn(text: string): JsonObject | undefined {
  if (!/^\s*\{/.test(text)) return undefined;
  const inner = decodeBody(Buffer.from(text), Number.MAX_SAFE_INTEGER);
  return inner.ok && isObject(inner.value) ? inner.value : undefined;
}
