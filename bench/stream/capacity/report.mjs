// What the formula says beside what was measured: with the constants that docs/capacity.md quotes, and with those that
// the same run has measured at other sizes. The first tells whether the page fits this machine, the second whether the
// formula is right.
import { number } from '../report.mjs';
import { CONSTANTS, solve, sumOf, TERMS } from './formula.mjs';

/** By how much the formula may differ from what is measured. */
const MOST = 0.2;

const PARTS = [
  {
    kind: 'gateway',
    what: 'gateway, CPU µs an alert',
    terms: TERMS.gatewayUs,
    of: ({ cpu_us_per_delivery, deliveries, published }) => (cpu_us_per_delivery * deliveries) / published,
  },
  {
    kind: 'memory',
    what: 'gateway, KB of streams and tenants',
    terms: TERMS.gatewayKb,
    of: ({ grown_kb }) => grown_kb,
  },
  { kind: 'memory', terms: () => ({ restMb: 1 }), of: ({ rest_mb }) => rest_mb, isChecked: false },
  {
    kind: 'batch',
    what: 'PostgreSQL, CPU µs an alert',
    terms: TERMS.postgresUs,
    of: ({ postgres_us_per_alert }) => postgres_us_per_alert,
  },
  {
    kind: 'disk',
    what: 'disk, bytes of entries and alerts',
    terms: TERMS.entryBytes,
    of: ({ entry_bytes }) => entry_bytes,
  },
  { kind: 'disk', what: 'disk, bytes of ids', terms: TERMS.idBytes, of: ({ id_bytes }) => id_bytes },
];

/** `results` are those of `rows`, in the same order. Sizes that failed are left out. */
export function compare(rows, results) {
  const measuredOf = ({ kind, terms, of }) =>
    rows.flatMap((row, i) => {
      const own = results[i].contenders[0].median;
      const measured = own && row.kind === kind ? of(own) : NaN;
      return Number.isFinite(measured) ? [{ ...row, terms: terms(row.size), measured }] : [];
    });
  const found = {};
  const checks = [];
  for (const { what, isChecked = true, ...part } of PARTS) {
    const sizes = measuredOf(part);
    const giving = sizes.filter(({ size }) => size.gives);
    const names = Object.keys(part.terms({}));
    if (giving.length >= names.length) Object.assign(found, solve(giving.slice(0, names.length)));
    const says = (constants, terms) => {
      const said = sumOf(terms, constants);
      return Number.isFinite(said) ? said : undefined;
    };
    for (const { title, terms, measured } of isChecked ? sizes.filter(({ size }) => !size.gives) : [])
      checks.push({ what, title, measured, page: says(CONSTANTS, terms), run: says(found, terms) });
  }
  const shares = results.flatMap(({ contenders }) => contenders[0].median?.machine_busy ?? []);
  return { found, checks, page: CONSTANTS, busiest: shares.length > 0 ? Math.max(...shares) : undefined };
}

/** Above this share of both cores a gateway waits for its core, and joins entries that it would write alone. */
const MOST_BUSY = 0.9;

const differenceOf = (said, measured) => (said === undefined ? undefined : said / measured - 1);
const percent = (share) =>
  share === undefined ? '-' : `${share < 0 ? '−' : '+'}${Math.abs(share * 100).toFixed(0)} %`;

export function printComparison({ found, checks, busiest }, say) {
  if (checks.length === 0) return;
  say('\nWhat the formula of docs/capacity.md says beside what was measured\n');
  const table = [
    ['', 'measured', 'page', 'differs', 'this run', 'differs'],
    ...checks.map(({ what, title, measured, page, run }) => [
      `${what}: ${title}`,
      number(measured, 0),
      ...[page, run].flatMap((said) => [number(said, 0), percent(differenceOf(said, measured))]),
    ]),
  ];
  const widths = table[0].map((_, column) => Math.max(...table.map((line) => line[column].length)));
  for (const line of table)
    say(`  ${line.map((cell, i) => (i === 0 ? cell.padEnd(widths[i]) : cell.padStart(widths[i]))).join('  ')}`);
  for (const [constants, field] of [
    ['the constants of the page', 'page'],
    ['the constants of this run', 'run'],
  ]) {
    const differences = checks
      .map((check) => Math.abs(differenceOf(check[field], check.measured)))
      .filter(Number.isFinite);
    const largest = Math.max(...differences);
    if (differences.length > 0)
      say(
        `  ${largest <= MOST ? '✓ ' : '✗ '} largest difference with ${constants}: ${percent(largest)} (target ≤ 20 %)`,
      );
  }
  if (busiest > MOST_BUSY)
    say(`  ! the machine was ${number(busiest, 2)} busy: gateways joined entries, so a write seems to cost too little`);
  if (Object.keys(found).length > 0) say('\n  constants of this run, for bench/stream/capacity/formula.mjs:');
  for (const [name, value] of Object.entries(found)) say(`    ${name}: ${Number(value.toPrecision(3))},`);
}
