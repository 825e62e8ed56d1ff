// These characters are raw in JSON, but clients with a Unicode reading of lines end a line at them: Python's
// str.splitlines and what uses it (httpx, sseclient-py), and the line patterns of Java and .NET. In a stream such a
// client would read the rest of an entry as a field of its own. Escaped they are the same text, and end no line for any
// client.
const NEXT_LINE = '\u0085';
const LINE_SEPARATOR = '\u2028';
const PARAGRAPH_SEPARATOR = '\u2029';
const LINE_ENDS = /[\u0085\u2028\u2029]/g;
const LINE_ENDS_AS_BYTES = [NEXT_LINE, LINE_SEPARATOR, PARAGRAPH_SEPARATOR].map((character) => Buffer.from(character));

const escaped = (character: string): string => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;

/** JSON as one line for every client. The check is one pass over memory: nearly no text holds any of the three. */
export function jsonLine(value: unknown): string {
  const json = JSON.stringify(value);
  const holds = json.includes(NEXT_LINE) || json.includes(LINE_SEPARATOR) || json.includes(PARAGRAPH_SEPARATOR);
  return holds ? json.replace(LINE_ENDS, escaped) : json;
}

/**
 * The same for JSON that is rendered already. Returns the very same bytes, unless an older program left one of the
 * characters raw.
 */
export function asJsonLine(json: Buffer): Buffer {
  return LINE_ENDS_AS_BYTES.some((bytes) => json.includes(bytes))
    ? Buffer.from(json.toString().replace(LINE_ENDS, escaped))
    : json;
}
