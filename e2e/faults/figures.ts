/** The figures of a scenario, each with its maximum where there is one. */
export type Figures = Readonly<Record<string, number | string | { is: number; atMost: number }>>;

/**
 * Prints a scenario's figures in one line. They are printed whether or not the test fails afterwards. `row` is the
 * fault's number in the list of faults. Times are in milliseconds.
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
