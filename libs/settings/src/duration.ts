import { z } from 'zod';

const MILLISECONDS = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;
type Unit = keyof typeof MILLISECONDS;

/** What Node's timers can wait for, in milliseconds: some 24 days. */
export const LONGEST_TIMER_MS = 2_147_483_647;

interface Bounds {
  /** The unit of the value, and of a number that is written without a unit. Default `ms`. */
  unit?: Unit;
  /** In that unit. Default 0. */
  least?: number;
  /** In that unit. Default: the longest time that a timer can wait for. */
  most?: number;
}

/**
 * A time, as a setting. It is written with its unit (`500ms`, `15s`, `2m`, `1h`, `1d`), or as a number of `unit`. The
 * value is a number of `unit`.
 */
export function duration({ unit = 'ms', least = 0, most = LONGEST_TIMER_MS / MILLISECONDS[unit] }: Bounds = {}) {
  return z
    .union([z.string(), z.number()])
    .transform((given) => (typeof given === 'number' ? given : readDuration(given, unit)))
    .pipe(
      z
        .number(`a time is needed, such as 15s or 2m, or a number of ${unit}`)
        .min(least, `must be at least ${least} ${unit}`)
        .max(most, `must be at most ${Math.floor(most)} ${unit}`),
    );
}

/** NaN for what is no time. */
function readDuration(text: string, unit: Unit): number {
  const [, number, named] = /^(\d{1,15}(?:\.\d{1,6})?)\s*(ms|s|m|h|d)?$/.exec(text.trim()) ?? [];
  if (number === undefined) return NaN;
  return (Number(number) * MILLISECONDS[(named as Unit | undefined) ?? unit]) / MILLISECONDS[unit];
}
