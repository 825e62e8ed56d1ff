// Characters that JSON leaves raw and that end a line for readers who ask Unicode what a line is: Python's str.splitlines
// and what stands on it (httpx, sseclient-py), Java's and .NET's line patterns. In a stream such a reader would see the rest
// of an entry as a field of its own. Escaped they are the same text, and no line ends in any reading.
const NEXT_LINE = '\u0085';
const LINE_SEPARATOR = '\u2028';
const PARAGRAPH_SEPARATOR = '\u2029';
const LINE_ENDS = /[\u0085\u2028\u2029]/g;
const LINE_ENDS_AS_BYTES = [NEXT_LINE, LINE_SEPARATOR, PARAGRAPH_SEPARATOR].map((character) => Buffer.from(character));

const escaped = (character: string): string => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;

/** JSON as one line, whoever reads it. Looking costs one pass over memory: nearly no text holds any of the three. */
export function jsonLine(value: unknown): string {
  const json = JSON.stringify(value);
  const holds = json.includes(NEXT_LINE) || json.includes(LINE_SEPARATOR) || json.includes(PARAGRAPH_SEPARATOR);
  return holds ? json.replace(LINE_ENDS, escaped) : json;
}

/** The same for JSON that is rendered already: the very bytes, unless a program of before left one of them raw. */
export function asJsonLine(json: Buffer): Buffer {
  return LINE_ENDS_AS_BYTES.some((bytes) => json.includes(bytes))
    ? Buffer.from(json.toString().replace(LINE_ENDS, escaped))
    : json;
}
