import type { Metrics } from './metrics';

/** As much of a metric of prom-client as the table shows. */
interface Shown {
  name: string;
  help: string;
  type: string;
  labelNames?: readonly string[];
}

/** Our own metrics, in the order of their declaration. Those of Node and the process have names of prom-client's. */
const ownOf = ({ registry }: Pick<Metrics, 'registry'>): Shown[] =>
  (registry.getMetricsAsArray() as unknown as Shown[]).filter(({ name }) => name.startsWith('tocsin_'));

const cell = (text: string): string => text.replace(/\|/g, '\\|').replace(/\s+/g, ' ');

/** Every metric as a table in Markdown, for docs/operate.md: `npm run settings` writes it and a test compares. */
export function metricsTable(metrics: Pick<Metrics, 'registry'>): string {
  const rows = ownOf(metrics).map(({ name, help, type, labelNames = [] }) => {
    const labels = labelNames.map((label) => `\`${label}\``).join(', ');
    return `| \`${name}\` | ${type} | ${labels} | ${cell(help)} |`;
  });
  return ['| metric | type | labels | what it counts |', '|---|---|---|---|', ...rows].join('\n');
}
