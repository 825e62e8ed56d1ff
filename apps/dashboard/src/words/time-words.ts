import type { IntlShape } from 'react-intl';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/**
 * How long ago a time was, in short: `now`, `4 min`, `3 h`, and from one day on the date. Times are in milliseconds.
 */
export function agoWords(intl: IntlShape, at: number, now: number): string {
  const age = now - at;
  if (age < MINUTE) return intl.formatMessage({ id: 'time.now' });
  if (age < DAY) return spanWords(intl, age);
  const sameYear = new Date(at).getFullYear() === new Date(now).getFullYear();
  return intl.formatDate(at, {
    day: 'numeric',
    month: 'short',
    ...(sameYear ? { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' } : { year: 'numeric' }),
  });
}

/** From a week on, a weekday would be read as the one that is nearer. */
const WEEKDAYS = 6;

/**
 * The time of day, with its day when that is not today: within six days the weekday, beyond them the date. Times are in
 * milliseconds.
 */
export function whenWords(intl: IntlShape, at: number, now: number): string {
  const [then, today] = [new Date(at), new Date(now)];
  const days = Math.abs(midnight(then) - midnight(today)) / DAY;
  return intl.formatDate(then, {
    ...(days > WEEKDAYS
      ? { day: 'numeric', month: 'short', ...(then.getFullYear() !== today.getFullYear() && { year: 'numeric' }) }
      : days > 0 && { weekday: 'short' }),
    hour: '2-digit',
    minute: '2-digit',
    hourCycle: 'h23',
  });
}

/** The day's midnight as if all days had 24 hours. */
const midnight = (day: Date): number => Date.UTC(day.getFullYear(), day.getMonth(), day.getDate());

/** The time of day to the second, with the date when that is not today. Times are in milliseconds. */
export function momentWords(intl: IntlShape, at: number, now: number): string {
  const time = intl.formatTime(at, { hour: '2-digit', minute: '2-digit', second: '2-digit', hourCycle: 'h23' });
  const isToday = new Date(at).toDateString() === new Date(now).toDateString();
  return isToday ? time : `${intl.formatDate(at, { day: 'numeric', month: 'short' })} ${time}`;
}

/** A duration in its largest unit, from seconds to days. */
export function spanWords(intl: IntlShape, ms: number): string {
  const [unit, size] =
    ms < MINUTE
      ? (['second', 1_000] as const)
      : ms < HOUR
        ? (['minute', MINUTE] as const)
        : ms < DAY
          ? (['hour', HOUR] as const)
          : (['day', DAY] as const);
  return intl.formatMessage({ id: `time.${unit}` }, { n: Math.max(0, Math.floor(ms / size)) });
}

/** The exact time in the user's time zone and in UTC, for a tooltip. */
export function exactWords(intl: IntlShape, at: number): string {
  const local = intl.formatDate(at, { dateStyle: 'medium', timeStyle: 'medium' });
  return `${local} · ${new Date(at).toISOString().slice(0, 19).replace('T', ' ')} UTC`;
}

/** The time, in milliseconds, at which it is this hour tomorrow in the user's time zone. */
export const tomorrowAt = (hour: number, now: number): number => hourOf(hour, now, 1);

const hourOf = (hour: number, now: number, daysAhead: number): number => {
  const day = new Date(now);
  return new Date(day.getFullYear(), day.getMonth(), day.getDate() + daysAhead, hour).getTime();
};

const MORNING = 8;
/** Before this hour "this morning" is still to come for a night shift; later it would be an hour or two. */
const NIGHT_ENDS = 6;

/** The mornings that a user may wait for: before six also today's, then tomorrow's. Times are in milliseconds. */
export const mornings = (now: number): { day: 'morning' | 'tomorrow'; at: number }[] => [
  ...(new Date(now).getHours() < NIGHT_ENDS ? [{ day: 'morning' as const, at: hourOf(MORNING, now, 0) }] : []),
  { day: 'tomorrow', at: tomorrowAt(MORNING, now) },
];
