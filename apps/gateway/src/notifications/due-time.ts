import { Temporal } from 'temporal-polyfill';
import { Refused, type AskedTime, type ErrorCode, type LocalTime, type TimeBefore } from '@tocsin/contracts';

// Only this file computes with local times. Everything else stores and compares the instant. The instant does not
// change when the rules of a time zone change afterwards: see docs/notifications.md.

/** The version of the time zone rules that this process uses. */
export const TZ_VERSION = process.versions.tz ?? 'unknown';

/** How far in the past a time may lie, because clocks differ and requests take time. In milliseconds. */
const PAST_MS = 60_000;
/** Two years, one of them a leap year. */
const AHEAD_MS = 731 * 86_400_000;

/** The ways to ask for a time: at most one of them. With none, the notification is due now. */
export interface TimeAsked {
  at?: string;
  local?: LocalTime;
  before?: TimeBefore;
}

export interface DueTime {
  /** ISO 8601 in UTC, with milliseconds. Null means now. */
  due_at: string | null;
  asked_for: AskedTime | null;
}

/**
 * The instant that is asked for. Throws `Refused` with its own code for each fault: `unknown_time_zone`,
 * `ambiguous_time_zone`, `time_does_not_exist`, `time_in_past`, `time_too_far`, and `invalid_field` for a date that the
 * calendar does not have.
 */
export function dueTimeOf({ at, local, before }: TimeAsked, now: number = Date.now()): DueTime {
  if (at !== undefined)
    return { due_at: within(Temporal.Instant.from(at).epochMilliseconds, '/at', now), asked_for: null };
  if (local) {
    const { instant, time_zone } = instantOf(local, 0, '/local');
    return { due_at: within(instant, '/local', now), asked_for: { local: { ...local, time_zone }, tz: TZ_VERSION } };
  }
  if (before) {
    const { instant, time_zone } = instantOf(before, before.days, '/before');
    return { due_at: within(instant, '/before', now), asked_for: { before: { ...before, time_zone }, tz: TZ_VERSION } };
  }
  return { due_at: null, asked_for: null };
}

function within(instant: number, pointer: string, now: number): string {
  if (instant < now - PAST_MS) refuse('time_in_past', pointer, 'The time is over.');
  if (instant > now + AHEAD_MS) refuse('time_too_far', pointer, 'The time is more than two years ahead.');
  return new Date(instant).toISOString();
}

/**
 * A local time as an instant. When the clocks are set forward, the times that they skip do not exist. When they are set
 * back, some times come twice: the first one counts, unless `fold` says `later`.
 */
function instantOf(
  { date, time, time_zone, fold }: LocalTime,
  daysBefore: number,
  pointer: string,
): { instant: number; time_zone: string } {
  const zone = zoneOf(time_zone, `${pointer}/time_zone`);
  const wanted = dayOf(date, `${pointer}/date`)
    .subtract({ days: daysBefore })
    .toPlainDateTime(Temporal.PlainTime.from(time));
  const earlier = wanted.toZonedDateTime(zone, { disambiguation: 'earlier' });
  const later = wanted.toZonedDateTime(zone, { disambiguation: 'later' });
  if (!later.toPlainDateTime().equals(wanted))
    refuse(
      'time_does_not_exist',
      `${pointer}/time`,
      `The clocks of ${zone} skip ${wanted.toString()}: they are set forward. ${later.toPlainTime().toString()} exists.`,
    );
  return { instant: (fold === 'later' ? later : earlier).epochMilliseconds, time_zone: zone };
}

function dayOf(date: string, pointer: string): Temporal.PlainDate {
  try {
    return Temporal.PlainDate.from(date);
  } catch {
    return refuse('invalid_field', pointer, 'There is no such day.');
  }
}

/**
 * The canonical name of the zone. A name without a place is refused, although most programs accept it, because programs
 * differ about CET, EST and MST. For example, PostgreSQL and Node do not agree about summer time in them.
 */
function zoneOf(name: string, pointer: string): string {
  const isPlace = /^[A-Za-z_]+(\/[A-Za-z0-9_+-]+)+$/.test(name) || name === 'UTC';
  let zone: string | undefined;
  try {
    zone = /^[A-Za-z]/.test(name) ? Temporal.Now.zonedDateTimeISO(name).timeZoneId : undefined;
  } catch {
    zone = undefined;
  }
  if (zone === undefined)
    return refuse(
      'unknown_time_zone',
      pointer,
      `The time zone database (tz ${TZ_VERSION}) has no such name. An example of a name is Europe/Berlin.`,
    );
  if (!isPlace)
    return refuse(
      'ambiguous_time_zone',
      pointer,
      'Programs differ about the meaning of this name. Use a place, such as Europe/Berlin, or UTC.',
    );
  return zone;
}

function refuse(code: ErrorCode, pointer: string, detail: string): never {
  throw new Refused(code, detail, { errors: [{ pointer, code, detail }] });
}
