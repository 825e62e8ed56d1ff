import type { MessageErrorCode } from '@tocsin/contracts';
import { parseExactly, TooManyLongNumbers } from './exact-json';

/** How deep a body may nest: sixteen levels of `metadata`, and the body around it. */
const MAX_DEPTH = 17;
/**
 * All characters below space except tab, line feed and carriage return. PostgreSQL cannot store NUL, and people cannot
 * read the others.
 */
const CONTROL_CHARACTERS = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f]/; // eslint-disable-line no-control-regex
/** The same and lone surrogates, which UTF-8 cannot encode. */
const UNSTORABLE = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f]|\p{Surrogate}/gu; // eslint-disable-line no-control-regex

export type DecodedBody = { ok: true; value: unknown } | { ok: false; code: MessageErrorCode; detail: string };

const utf8 = new TextDecoder('utf-8', { fatal: true });

/**
 * Decodes bytes to a JSON value that can be stored. Checks size, UTF-8, JSON, depth and control characters, in that
 * order. `parse` reads JSON; by default no number changes its value.
 */
export function decodeBody(bytes: Uint8Array, maxBytes: number, parse = parseExactly): DecodedBody {
  const decoded = decodeJson(bytes, maxBytes, parse);
  return decoded.ok ? (faultIn(decoded.value, decoded.escapes) ?? decoded) : decoded;
}

/** `escapes`: text in the value may hold characters that cannot be stored. False means that none does. */
type DecodedJson = { ok: true; value: unknown; escapes: boolean } | Extract<DecodedBody, { ok: false }>;

/** The first half of `decodeBody`, for bodies whose parts are validated one by one: size, UTF-8, JSON. */
export function decodeJson(bytes: Uint8Array, maxBytes: number, parse = parseExactly): DecodedJson {
  if (bytes.byteLength > maxBytes)
    return { ok: false, code: 'message_too_large', detail: `At most ${maxBytes} bytes are accepted.` };
  let text: string;
  try {
    text = utf8.decode(bytes);
  } catch {
    return { ok: false, code: 'invalid_utf8', detail: 'The body is not valid UTF-8.' };
  }
  let value: unknown;
  try {
    value = parse(text);
  } catch (error) {
    if (error instanceof TooManyLongNumbers) return { ok: false, code: 'message_too_large', detail: error.message };
    return { ok: false, code: 'invalid_json', detail: 'The body is not valid JSON.' };
  }
  return { ok: true, value, escapes: MAY_BE_UNSTORABLE.test(text) };
}

/** Replaces a value that was not decoded because it is larger, or holds more numbers, than any message may. */
export class NotDecoded {
  constructor(readonly bytes: number) {}
}

type Fault = Extract<DecodedBody, { ok: false }>;

/** The second half: why a value cannot be stored, because of its depth or its text; undefined when it can. */
export const faultIn = (value: unknown, escapes: boolean): Fault | undefined =>
  escapes ? faultOf(value, 0) : isTooDeep(value, 0) ? tooDeep : undefined;

/**
 * The same value with U+FFFD for each character that cannot be stored, and the number of these. A value that is nested
 * too deeply stays as it is: it is refused for its depth.
 */
export function withStorableText(value: unknown, depth = 0): { value: unknown; replaced: number } {
  if (typeof value === 'string') return replaceIn(value);
  if (typeof value !== 'object' || value === null || depth > MAX_DEPTH) return { value, replaced: 0 };
  let replaced = 0;
  const within = (child: unknown): unknown => {
    const clean = withStorableText(child, depth + 1);
    replaced += clean.replaced;
    return clean.value;
  };
  if (Array.isArray(value)) {
    const list = value.map(within);
    return { value: replaced > 0 ? list : value, replaced };
  }
  const fields: Record<string, unknown> = {};
  for (const [name, child] of Object.entries(value)) {
    // assignment to `__proto__` would set the prototype
    Object.defineProperty(fields, within(name) as string, {
      value: within(child),
      enumerable: true,
      configurable: true,
      writable: true,
    });
  }
  return { value: replaced > 0 ? fields : value, replaced };
}

function replaceIn(text: string): { value: string; replaced: number } {
  if (isStorable(text)) return { value: text, replaced: 0 };
  let replaced = 0;
  const value = text.replace(UNSTORABLE, () => {
    replaced += 1;
    return '\ufffd';
  });
  return { value, replaced };
}

/**
 * The only ways in which JSON in valid UTF-8 can contain characters that cannot be stored: JSON itself refuses raw
 * control characters (except DEL), and UTF-8 cannot encode a lone surrogate.
 */
const MAY_BE_UNSTORABLE = /\\[bfu]|\u007f/;

function faultOf(value: unknown, depth: number): Fault | undefined {
  if (typeof value === 'string') return isStorable(value) ? undefined : unstorable;
  if (typeof value !== 'object' || value === null) return undefined;
  if (depth >= MAX_DEPTH) return tooDeep;
  for (const [key, child] of Object.entries(value)) {
    const fault = isStorable(key) ? faultOf(child, depth + 1) : unstorable;
    if (fault) return fault;
  }
  return undefined;
}

/** The same check for the depth alone. */
function isTooDeep(value: unknown, depth: number): boolean {
  if (typeof value !== 'object' || value === null) return false;
  if (depth >= MAX_DEPTH) return true;
  if (Array.isArray(value)) return value.some((child) => isTooDeep(child, depth + 1));
  for (const key in value) if (isTooDeep((value as Record<string, unknown>)[key], depth + 1)) return true;
  return false;
}

/** Whether a value may stand below `metadata`, which is two levels below the body. */
export const fitsInMetadata = (value: unknown): boolean => !isTooDeep(value, 2);

/** Whether text can be stored and read: no control characters except tab and line breaks, no lone surrogate. */
export const isStorable = (text: string): boolean => text.isWellFormed() && !CONTROL_CHARACTERS.test(text);
const unstorable: Fault = {
  ok: false,
  code: 'control_characters',
  detail: 'Text holds control characters or a lone surrogate.',
};
const tooDeep: Fault = {
  ok: false,
  code: 'too_deep',
  detail: `At most ${MAX_DEPTH - 1} levels of metadata are accepted.`,
};
