import { Counter, type Registry } from 'prom-client';

/**
 * A counter whose labels take declared values only. Every combination is there at 0 from the start: a series that is born at 1
 * shows no increase, so an alert rule on `increase()` would not see the first.
 */
export class LabelledCounter<L extends Readonly<Record<string, string>>> {
  private readonly counter: Counter;

  constructor(registry: Registry, name: string, help: string, labelNames: (keyof L & string)[]) {
    this.counter = new Counter({ name, help, labelNames, registers: [registry] });
  }

  /** Has these there from now on: all that can occur. */
  declare(combinations: Iterable<L>): this {
    for (const labels of combinations) this.counter.inc(labels, 0);
    return this;
  }

  inc(labels: L, by = 1): void {
    this.counter.inc(labels, by);
  }
}
