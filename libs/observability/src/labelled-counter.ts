import { Counter, type Registry } from 'prom-client';

/**
 * A counter whose labels take declared values only. Every combination is at 0 from the start: a series that starts at 1
 * shows no increase, so an alert rule on `increase()` would miss its first one.
 */
export class LabelledCounter<L extends Readonly<Record<string, string>>> {
  private readonly counter: Counter;

  constructor(registry: Registry, name: string, help: string, labelNames: (keyof L & string)[]) {
    this.counter = new Counter({ name, help, labelNames, registers: [registry] });
  }

  /** Creates these series at 0. Declare every combination that can occur. */
  declare(combinations: Iterable<L>): this {
    for (const labels of combinations) this.counter.inc(labels, 0);
    return this;
  }

  inc(labels: L, by = 1): void {
    this.counter.inc(labels, by);
  }
}
