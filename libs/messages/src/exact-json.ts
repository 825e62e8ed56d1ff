/** Where none of this stands no number changes when it is read: a run of 16 digits, or an exponent of three. */
const MAY_CHANGE = /[\d.]{16}|\d[eE][+-]?\d{3}/;
/** Shorter ones without an exponent never do. */
const SHORTEST = 16;
/** Of longer ones nothing is computed: they are text. */
const LONGEST = 400;
/** More than one message on the queue can hold; what a body may cost is bounded by it. */
const MOST = 20_000;

/** Why a body of valid JSON is not read. */
export class TooManyLongNumbers extends Error {
  constructor() {
    super(`At most ${MOST} numbers that no double holds are read at once.`);
  }
}

/**
 * `JSON.parse`, but no number comes back as another one. One that a double does not hold is its text: a whole number beyond
 * 2^53, more digits than a double keeps, `1e400`. All others stay numbers; `1.0` is 1 and `-0` is 0.
 *
 * Node 20 does not show a reviver what stood in the text. What needs no care costs one search of it.
 * Throws `SyntaxError`, as `JSON.parse` does, and `TooManyLongNumbers`.
 */
export function parseExactly(text: string): unknown {
  const value: unknown = JSON.parse(text);
  if (!MAY_CHANGE.test(text)) return value;
  const exact = withLongNumbersQuoted(text);
  return exact === text ? value : (JSON.parse(exact) as unknown);
}

/** `text` is JSON: what begins with a digit or a minus outside of its strings is a number. */
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
/** Digits, `.`, `+`, `-`, `e` and `E`. NaN, behind the end, is none. */
const isOfNumber = (code: number): boolean =>
  isDigit(code) || code === 46 || code === 43 || code === MINUS || isE(code);

/** Where the string ends that begins at `quote`. */
function endOfString(text: string, quote: number): number {
  for (let end = text.indexOf('"', quote + 1); ; end = text.indexOf('"', end + 1)) {
    let backslashes = 0;
    while (text.charCodeAt(end - 1 - backslashes) === 92) backslashes += 1;
    if (backslashes % 2 === 0) return end;
  }
}

/** Whether a double writes the same number again. A whole number must be a safe one besides: its neighbours have a double of their own. */
function isExact(text: string): boolean {
  if (text.length > LONGEST) return false;
  const number = Number(text);
  if (!Number.isFinite(number)) return false;
  return /^-?\d+$/.test(text) ? Number.isSafeInteger(number) : decimalOf(text) === decimalOf(String(number));
}

/** A decimal as its digits, without zeros at either end, and its exponent: the same for equal numbers. */
function decimalOf(text: string): string {
  const [, sign = '', whole = '', fraction = '', exponent = '0'] =
    /^(-?)(\d+)(?:\.(\d+))?(?:e([+-]?\d+))?$/i.exec(text) ?? [];
  const digits = `${whole}${fraction}`.replace(/^0+/, '');
  const significant = digits.replace(/0+$/, '');
  return significant === ''
    ? '0'
    : `${sign}${significant}e${Number(exponent) - fraction.length + digits.length - significant.length}`;
}
