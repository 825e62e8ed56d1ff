/** What a scenario came to, and what it may come to at most, where there is such a limit. */
export type Figures = Readonly<Record<string, number | string | { is: number; atMost: number }>>;

/**
 * Prints a scenario's figures in one line, for whoever reads the run: they are shown whether or not the test then fails.
 * `row` is the fault's number in the list of faults. Times are in milliseconds.
 */
export function figures(row: number, title: string, values: Figures): void {
  const shown = Object.entries(values).map(([name, value]) => {
    if (typeof value !== 'object') return `${name} ${written(value)}`;
    return `${name} ${written(value.is)} (at most ${written(value.atMost)})`;
  });
  process.stdout.write(`    fault ${row}, ${title}: ${shown.join(', ')}\n`);
}

const written = (value: number | string): string =>
  typeof value === 'string' ? value : String(Math.round(value * 10) / 10);
