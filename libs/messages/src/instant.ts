/** ISO 8601 with its separators, and without them: date, hour, minute, then seconds, their fraction and the zone, if they are there. */
const EXTENDED =
  /^(\d{4})-(\d{2})-(\d{2})(?:[T ](\d{2}):(\d{2})(?::(\d{2})(?:[.,](\d+))?)?\s?(Z|[+-]\d{2}(?::?\d{2})?)?)?$/i;
const BASIC = /^(\d{4})(\d{2})(\d{2})T(\d{2})(\d{2})(?:(\d{2})(?:[.,](\d+))?)?(Z|[+-]\d{2}(?:\d{2})?)?$/i;
/** Longer than every time that is read: what is longer is not looked into. */
const LONGEST = 64;
/** Below it a number counts seconds (until the year 5138), from it on milliseconds (since March 1973). */
const FIRST_MILLISECONDS = 1e11;
const END_OF_TIME = Date.UTC(9999, 11, 31);

/**
 * The one reader of times, for HTTP, AMQP and storage: ISO 8601 (no zone: UTC) or epoch seconds or milliseconds, as ISO 8601
 * in UTC with milliseconds; undefined if it is neither. What it gives it reads again as the same.
 *
 * A date without a time of day is its first moment. A leap second, 23:59:60 in UTC, is the last millisecond before it, so
 * that it stays on its day and before the second that follows. Weeks, months, days of a year, fractions of a minute and
 * hours alone are not read.
 */
export function readInstant(value: unknown): string | undefined {
  if (typeof value === 'string') return instantIn(value);
  return typeof value === 'number' ? instantOf(value < FIRST_MILLISECONDS ? value * 1000 : value) : undefined;
}

/** A message's time is read, and soon after judged as it was read. */
let lastRead: string | undefined;

function instantIn(given: string): string | undefined {
  if (given === lastRead) return given;
  if (given.length > LONGEST) return undefined;
  if (given === instantOf(Date.parse(given))) return (lastRead = given);
  const text = given.trim();
  if (/^\d{9,13}(\.\d+)?$/.test(text)) return readInstant(Number(text));
  const parts = EXTENDED.exec(text) ?? BASIC.exec(text);
  if (!parts) return undefined;
  const [, year, month, day, hour = '00', minute = '00', second = '00', fraction = '', zone = 'Z'] = parts;
  const date = `${year!}-${month!}-${day!}`;
  // Date.parse takes 30 February for 2 March
  if (new Date(date).getUTCDate() !== Number(day)) return undefined;
  const offset =
    zone.length === 3 ? `${zone}:00` : zone.length === 5 ? `${zone.slice(0, 3)}:${zone.slice(3)}` : zone.toUpperCase();
  const at = (seconds: string): string | undefined =>
    instantOf(Date.parse(`${date}T${hour}:${minute}:${seconds}${offset}`));
  if (second !== '60') return at(`${second}.${fraction.padEnd(3, '0').slice(0, 3)}`);
  const before = at('59.999');
  return before?.slice(11, 16) === '23:59' ? before : undefined;
}

function instantOf(epochMs: number): string | undefined {
  return epochMs >= 0 && epochMs < END_OF_TIME ? new Date(Math.trunc(epochMs)).toISOString() : undefined;
}
