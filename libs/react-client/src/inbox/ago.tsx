import type { ReactNode } from 'react';
import { useFace, type InboxFace } from './inbox-face';

const UNITS = [
  ['day', 86_400_000],
  ['hour', 3_600_000],
  ['minute', 60_000],
] as const;

/** How long ago a time was, in the largest unit that fits: "now", "4 min. ago", "yesterday". Times are milliseconds. */
export function agoText(locale: string, at: number, now: number): string {
  const words = new Intl.RelativeTimeFormat(locale, { numeric: 'auto', style: 'short' });
  // a producer's clock may be ahead of the server's
  const age = Math.max(0, now - at);
  const [unit, size] = UNITS.find(([, ms]) => age >= ms) ?? ['second', Infinity];
  return words.format(-Math.floor(age / size), unit);
}

/** The time written out, to the second. */
export const exactText = ({ locale }: InboxFace, at: string): string =>
  new Date(at).toLocaleString(locale, { dateStyle: 'medium', timeStyle: 'medium' });

/** How long ago a time was; the tooltip has the exact time. */
export function Ago({ at }: { at: string }): ReactNode {
  const face = useFace();
  return (
    <time dateTime={at} title={exactText(face, at)}>
      {agoText(face.locale ?? 'en', Date.parse(at), face.now)}
    </time>
  );
}
