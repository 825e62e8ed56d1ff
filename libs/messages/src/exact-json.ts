/**
 * Text without a match has no number that changes when it is parsed: a match is a run of 16 digits, or an exponent of
 * three digits.
 */
const MAY_CHANGE = /[\d.]{16}|\d[eE][+-]?\d{3}/;
/** Numbers with fewer characters and without an exponent never change. */
const SHORTEST = 16;
/** Numbers with more characters are not computed: they become text. */
const LONGEST = 400;
/**
 * The maximum number of long numbers in a body. It is more than one message on the queue can hold, and it bounds the
 * cost of a body.
 */
const MOST = 20_000;

/** A body of valid JSON has too many long numbers to be read. */
export class TooManyLongNumbers extends Error {
  constructor() {
    super(`At most ${MOST} numbers that no double holds are read at once.`);
  }
}

/**
 * `JSON.parse`, but no number changes its value. A number that a double cannot represent becomes its text: an integer
 * beyond 2^53, more digits than a double keeps, `1e400`. All others stay numbers; `1.0` is 1 and `-0` is 0.
 *
 * Node 20 does not give a reviver the source text. A body without long numbers costs one search of its text. Throws
 * `SyntaxError`, as `JSON.parse` does, and `TooManyLongNumbers`.
 */
export function parseExactly(text: string): unknown {
  const value: unknown = JSON.parse(text);
  if (!MAY_CHANGE.test(text)) return value;
  const exact = withLongNumbersQuoted(text);
  return exact === text ? value : (JSON.parse(exact) as unknown);
}

/** `text` must be valid JSON: outside of its strings a digit or a minus begins a number. */
function withLongNumbersQuoted(text: string): string {
  const parts: string[] = [];
  let copied = 0;
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (code === QUOTE) at = endOfString(text, at);
    if (code !== MINUS && !isDigit(code)) continue;
    const from = at;
    let exponent = false;
    for (; isOfNumber(text.charCodeAt(at + 1)); at += 1) exponent ||= isE(text.charCodeAt(at + 1));
    if (!exponent && at - from + 1 < SHORTEST) continue;
    const number = text.slice(from, at + 1);
    if (isExact(number)) continue;
    if (parts.length >= 2 * MOST) throw new TooManyLongNumbers();
    parts.push(text.slice(copied, from), `"${number}"`);
    copied = at + 1;
  }
  return parts.length === 0 ? text : parts.join('') + text.slice(copied);
}

const [QUOTE, MINUS] = [34, 45];
const isDigit = (code: number): boolean => code >= 48 && code <= 57;
const isE = (code: number): boolean => code === 69 || code === 101;
/** Whether the code is a digit, `.`, `+`, `-`, `e` or `E`. False for NaN, which stands for the end of the text. */
const isOfNumber = (code: number): boolean =>
  isDigit(code) || code === 46 || code === 43 || code === MINUS || isE(code);

/** The end of the string that begins at `quote`. */
function endOfString(text: string, quote: number): number {
  for (let end = text.indexOf('"', quote + 1); ; end = text.indexOf('"', end + 1)) {
    let backslashes = 0;
    while (text.charCodeAt(end - 1 - backslashes) === 92) backslashes += 1;
    if (backslashes % 2 === 0) return end;
  }
}

/**
 * Whether a double represents the number exactly. An integer must also be a safe one: its neighbours then have doubles
 * of their own.
 */
function isExact(text: string): boolean {
  if (text.length > LONGEST) return false;
  const number = Number(text);
  if (!Number.isFinite(number)) return false;
  return /^-?\d+$/.test(text) ? Number.isSafeInteger(number) : decimalOf(text) === decimalOf(String(number));
}

/** A decimal as its digits, without zeros at either end, and its exponent. Equal numbers have the same form. */
function decimalOf(text: string): string {
  const [, sign = '', whole = '', fraction = '', exponent = '0'] =
    /^(-?)(\d+)(?:\.(\d+))?(?:e([+-]?\d+))?$/i.exec(text) ?? [];
  const digits = `${whole}${fraction}`.replace(/^0+/, '');
  const significant = digits.replace(/0+$/, '');
  return significant === ''
    ? '0'
    : `${sign}${significant}e${Number(exponent) - fraction.length + digits.length - significant.length}`;
}
