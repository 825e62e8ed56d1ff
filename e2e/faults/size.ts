/**
 * Whether scenarios run with their full duration and size (`npm run test:faults`), or with a size that is short enough
 * for every run.
 */
export const WHOLE = process.env.TOCSIN_FAULTS === 'full';

export const sized = <T>(whole: T, short: T): T => (WHOLE ? whole : short);

const DAY_MS = 86_400_000;

/**
 * What this run takes of a long list: all of it at full size, otherwise a third, which is another one each day.
 * `TEST_DAY` (whole days since 1970) repeats the choice of another day.
 */
export function todaysPart<T>(list: readonly T[]): T[] {
  const day = Number(process.env.TEST_DAY ?? Math.floor(Date.now() / DAY_MS));
  const parts = Math.min(3, list.length);
  return list.filter((_, at) => WHOLE || at % parts === day % parts);
}

/** Appended to the name of a group of tests that takes a part of a list. */
export const PART_NOTE = WHOLE ? '' : ' (a third, another one each day: npm run test:faults takes all)';

/** A scenario's timeout in Jest: generous, since other programs share the machine. */
export const limitMs = (expectedSeconds: number): number => 60_000 + 4 * expectedSeconds * 1_000;

/**
 * `describe` for scenarios that are long at any size: only `npm run test:faults` runs them. Otherwise they are skipped
 * with that reason in their name.
 */
export const describeWhole = (name: string, tests: () => void): void => {
  if (WHOLE) describe(name, tests);
  else describe.skip(`${name} (skipped: npm run test:faults runs it)`, tests);
};

/** Appended to the name of a scenario that runs shorter or with fewer clients than its full size. */
export const SIZE_NOTE = WHOLE ? '' : ' (a short run: npm run test:faults runs it whole)';
