/** Whether scenarios run as long and as wide as they are meant to (`npm run test:faults`), or at a size that fits every run. */
export const WHOLE = process.env.TOCSIN_FAULTS === 'full';

export const sized = <T>(whole: T, short: T): T => (WHOLE ? whole : short);

/** A scenario's time limit in Jest: generous, since other programs share the machine. */
export const limitMs = (expectedSeconds: number): number => 60_000 + 4 * expectedSeconds * 1_000;

/** `describe` for what is long at any size: only `npm run test:faults` runs it. Elsewhere it is skipped with that reason in its name. */
export const describeWhole = (name: string, tests: () => void): void => {
  if (WHOLE) describe(name, tests);
  else describe.skip(`${name} (skipped: npm run test:faults runs it)`, tests);
};

/** Stands behind the name of what runs shorter or with fewer clients than it is meant to. */
export const SIZE_NOTE = WHOLE ? '' : ' (a short run: npm run test:faults runs it whole)';
