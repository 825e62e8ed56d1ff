/** ISO 8601 with separators, and without them: date, hour, minute, then optional seconds, fraction and zone. */
const EXTENDED =
  /^(\d{4})-(\d{2})-(\d{2})(?:[T ](\d{2}):(\d{2})(?::(\d{2})(?:[.,](\d+))?)?\s?(Z|[+-]\d{2}(?::?\d{2})?)?)?$/i;
const BASIC = /^(\d{4})(\d{2})(\d{2})T(\d{2})(\d{2})(?:(\d{2})(?:[.,](\d+))?)?(Z|[+-]\d{2}(?:\d{2})?)?$/i;
/**
 * The form that is returned, in these years and on a day that every month has. Most times have it, and nothing is
 * computed for them.
 */
const READ_ALREADY =
  /^(?:19[7-9]|20\d)\d-(?:0[1-9]|1[0-2])-(?:0[1-9]|1\d|2[0-8])T(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d\.\d{3}Z$/;
/** A text that is longer than every valid time is not parsed. */
const LONGEST = 64;
/** A smaller number counts seconds (until the year 5138), any other milliseconds (since March 1973). */
const FIRST_MILLISECONDS = 1e11;
const END_OF_TIME = Date.UTC(9999, 11, 31);

/**
 * The one parser of times, for HTTP, AMQP and storage. It accepts ISO 8601 (without a zone: UTC) and epoch seconds or
 * milliseconds, and returns ISO 8601 in UTC with milliseconds; undefined for anything else. Its result parses to
 * itself.
 *
 * A date without a time of day is its first moment. A leap second, 23:59:60 in UTC, becomes the last millisecond before
 * it, so that it stays on its day and before the next second. Weeks, months, ordinal dates, fractions of a minute and
 * hours alone are not accepted.
 */
export function readInstant(value: unknown): string | undefined {
  if (typeof value === 'string') return instantIn(value);
  return typeof value === 'number' ? instantOf(value < FIRST_MILLISECONDS ? value * 1000 : value) : undefined;
}

function instantIn(given: string): string | undefined {
  if (given.length > LONGEST) return undefined;
  if (READ_ALREADY.test(given) || given === instantOf(Date.parse(given))) return given;
  const text = given.trim();
  if (/^\d{9,13}(\.\d+)?$/.test(text)) return readInstant(Number(text));
  const parts = EXTENDED.exec(text) ?? BASIC.exec(text);
  if (!parts) return undefined;
  const [, year, month, day, hour = '00', minute = '00', second = '00', fraction = '', zone = 'Z'] = parts;
  const date = `${year!}-${month!}-${day!}`;
  // Date.parse reads 30 February as 2 March
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
