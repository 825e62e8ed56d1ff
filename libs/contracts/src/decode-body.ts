import type { MessageErrorCode } from './errors';

/** How deep a body may nest: sixteen levels of `metadata`, and the body around it. */
export const MAX_DEPTH = 17;
/** Everything below space except tab, line feed and carriage return. PostgreSQL cannot store NUL, and nobody can read the rest. */
const CONTROL_CHARACTERS = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f]/; // eslint-disable-line no-control-regex

export type DecodedBody = { ok: true; value: unknown } | { ok: false; code: MessageErrorCode; detail: string };

const utf8 = new TextDecoder('utf-8', { fatal: true });

/** Bytes to a JSON value that can be stored: size, UTF-8, JSON, depth and control characters, in that order. */
export function decodeBody(bytes: Uint8Array, maxBytes: number): DecodedBody {
  if (bytes.byteLength > maxBytes) return { ok: false, code: 'message_too_large', detail: `At most ${maxBytes} bytes are accepted.` };
  return decodeValue(bytes, 0);
}

/** The same for a part of a body that stands at this depth in it, whatever its size. */
export function decodeValue(bytes: Uint8Array, depth: number): DecodedBody {
  let text: string;
  try {
    text = utf8.decode(bytes);
  } catch {
    return { ok: false, code: 'invalid_utf8', detail: 'The body is not valid UTF-8.' };
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return { ok: false, code: 'invalid_json', detail: 'The body is not valid JSON.' };
  }
  const fault = MAY_BE_UNSTORABLE.test(text) ? faultOf(value, depth) : isTooDeep(value, depth) ? tooDeep : undefined;
  return fault ?? { ok: true, value };
}

/**
 * The only ways in which JSON that is valid UTF-8 can bring what cannot be stored: JSON itself refuses raw control
 * characters (but for DEL), and UTF-8 cannot carry half of a surrogate pair.
 */
const MAY_BE_UNSTORABLE = /\\[bfu]|\u007f/;

function faultOf(value: unknown, depth: number): DecodedBody | undefined {
  if (typeof value === 'string') return isStorable(value) ? undefined : unstorable;
  if (typeof value !== 'object' || value === null) return undefined;
  if (depth >= MAX_DEPTH) return tooDeep;
  for (const [key, child] of Object.entries(value)) {
    const fault = isStorable(key) ? faultOf(child, depth + 1) : unstorable;
    if (fault) return fault;
  }
  return undefined;
}

/** The same question about depth alone. */
function isTooDeep(value: unknown, depth: number): boolean {
  if (typeof value !== 'object' || value === null) return false;
  if (depth >= MAX_DEPTH) return true;
  if (Array.isArray(value)) return value.some((child) => isTooDeep(child, depth + 1));
  for (const key in value) if (isTooDeep((value as Record<string, unknown>)[key], depth + 1)) return true;
  return false;
}

/** Whether text can be stored and read: no control characters but tab and line breaks, no lone surrogate. */
export const isStorable = (text: string): boolean => text.isWellFormed() && !CONTROL_CHARACTERS.test(text);
const unstorable: DecodedBody = { ok: false, code: 'control_characters', detail: 'Text holds control characters or a lone surrogate.' };
export const tooDeep = { ok: false, code: 'too_deep', detail: `At most ${MAX_DEPTH - 1} levels of metadata are accepted.` } as const satisfies DecodedBody;
