import type { AppProcess } from './processes';

export type MetricType = 'counter' | 'gauge' | 'histogram';

/** What an app's `/metrics` shows of Tocsin's own at one moment: every series with its value. */
export class Series {
  private readonly types = new Map<string, MetricType>();
  private readonly values: { name: string; key: string; value: number }[] = [];

  private constructor(text: string) {
    for (const line of text.split('\n')) {
      const [, declared, type] = /^# TYPE (tocsin_\w+) (\w+)$/.exec(line) ?? [];
      if (declared) this.types.set(declared, type as MetricType);
      const [, key, value] = /^(tocsin_\S+|tocsin_\w+\{.*\}) (\S+)$/.exec(line) ?? [];
      if (key) this.values.push({ name: this.nameOf(key), key, value: Number(value) });
    }
  }

  static async of(app: AppProcess): Promise<Series> {
    return new Series(await (await fetch(`${app.adminUrl}/metrics`)).text());
  }

  /** All that are declared. */
  names(): string[] {
    return [...this.types.keys()];
  }

  /** The value of a series, by its name and labels as they are written; 0 when it is not shown. */
  value(key: string): number {
    return this.values.find((one) => one.key === key)?.value ?? 0;
  }

  /** The declared counters and histograms that show no series. */
  empty(): string[] {
    const shown = new Set(this.values.map(({ name }) => name));
    return this.names().filter((name) => this.types.get(name) !== 'gauge' && !shown.has(name));
  }

  /** The series of such metrics, as they are written. */
  keys(types: readonly MetricType[]): string[] {
    return this.values.filter(({ name }) => types.includes(this.types.get(name)!)).map(({ key }) => key);
  }

  /** The series of such metrics that are not at 0. */
  moved(types: readonly MetricType[]): string[] {
    const keys = new Set(this.keys(types));
    return this.values.filter(({ key, value }) => keys.has(key) && value !== 0).map(({ key }) => key);
  }

  /** The metrics of which some series is not at 0. */
  movedNames(): string[] {
    return this.values.filter(({ value }) => value !== 0).map(({ name }) => name);
  }

  /** A histogram's series have names of their own. */
  private nameOf(key: string): string {
    const written = key.split('{')[0]!;
    const histogram = written.replace(/_(bucket|sum|count)$/, '');
    return this.types.get(histogram) === 'histogram' ? histogram : written;
  }
}
