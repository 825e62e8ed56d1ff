import type { ReactNode } from 'react';
import { useFace, type InboxFace } from './inbox-face';

const DAY_MS = 86_400_000;
const UNITS = [
  ['day', DAY_MS],
  ['hour', 3_600_000],
  ['minute', 60_000],
] as const;

/** How many midnights of the user's time zone lie between two times. Times are milliseconds. */
const daysBetween = (from: number, to: number): number => (midnight(to) - midnight(from)) / DAY_MS;

/** The midnight before a time, as if all days had 24 hours. */
function midnight(at: number): number {
  const day = new Date(at);
  return Date.UTC(day.getFullYear(), day.getMonth(), day.getDate());
}

/** How long ago a time was, in the largest unit that fits: "now", "4 min. ago", "yesterday". Times are milliseconds. */
export function agoText(locale: string, at: number, now: number): string {
  const words = new Intl.RelativeTimeFormat(locale, { numeric: 'auto', style: 'short' });
  // a producer's clock may be ahead of the server's
  const age = Math.max(0, now - at);
  const [unit, size] = UNITS.find(([, ms]) => age >= ms) ?? ['second', Infinity];
  // "yesterday" is a day of the calendar: at one in the morning, 26 hours ago is two days ago
  return words.format(-(unit === 'day' ? daysBetween(at, now) : Math.floor(age / size)), unit);
}

/** The time written out, to the second. */
export const exactText = ({ locale }: InboxFace, at: string): string =>
  new Date(at).toLocaleString(locale, { dateStyle: 'medium', timeStyle: 'medium' });

/** From a week on, a weekday would be read as the one that is nearer. */
const WEEKDAYS = 6;

/**
 * The time of day, with its day when that is not today: within six days the weekday, beyond them the date. Times are
 * milliseconds.
 */
export function whenText(locale: string | undefined, at: number, now: number): string {
  const [then, today] = [new Date(at), new Date(now)];
  const days = Math.abs(daysBetween(at, now));
  const isThisYear = then.getFullYear() === today.getFullYear();
  const day: Intl.DateTimeFormatOptions =
    days > WEEKDAYS
      ? { day: 'numeric', month: 'short', ...(!isThisYear && { year: 'numeric' }) }
      : { ...(days > 0 && { weekday: 'short' }) };
  return then.toLocaleString(locale, { ...day, hour: '2-digit', minute: '2-digit' });
}

/** How long ago a time was; the tooltip has the exact time. */
export function Ago({ at }: { at: string }): ReactNode {
  const face = useFace();
  return (
    <time dateTime={at} title={exactText(face, at)}>
      {agoText(face.locale ?? 'en', Date.parse(at), face.now)}
    </time>
  );
}
