// The medians of the rounds, their comparison with the targets, and the table.

const cpuOf = (name, target, beyond) => ({
  what: `CPU a delivery, of ${name}`,
  of: ({ share }) => share('cpu_us_per_delivery', name),
  target,
  beyond,
});
const connectOf = (name, target, beyond) => ({
  what: `CPU a connection, of ${name}`,
  of: ({ share }) => share('cpu_us_per_connect', name),
  target,
  beyond,
});
/**
 * The targets of each row. `of` gets the medians; `share(field, other)` is Tocsin's value as a share of another
 * contender's.
 */
const TARGETS = {
  alone: [
    cpuOf('nchan', 0.85, 0.75),
    cpuOf('Mercure', 0.5),
    cpuOf('Centrifugo', 0.5),
    cpuOf('better-sse', 0.35, 0.3),
    cpuOf('better-sse (batch)', 0.6, 0.5),
    cpuOf('Nest @Sse()', 0.35, 0.3),
  ],
  'alone-100': [cpuOf('nchan', 0.9, 0.8), cpuOf('Mercure', 0.5), cpuOf('Centrifugo', 0.5)],
  'alone-300': [
    cpuOf('better-sse', 0.35, 0.3),
    cpuOf('Nest @Sse()', 0.35, 0.3),
    { what: 'lost', of: ({ own }) => own.lost, target: 0 },
  ],
  'joined-1000': [
    { what: 'deliveries/s', of: ({ own }) => own.deliveries_per_second, target: 950_000, atLeast: true },
    { what: 'lost', of: ({ own }) => own.lost, target: 0 },
    { what: 'p99, ms', of: ({ own }) => own.p99_ms, target: 60 },
  ],
  'joined-3000': [
    { what: 'deliveries/s', of: ({ own }) => own.deliveries_per_second, beyond: 2_900_000, atLeast: true },
    { what: 'lost', of: ({ own }) => own.lost, target: 0 },
  ],
  tenants: [cpuOf('nchan', 0.9, 0.8)],
  idle: [
    { what: 'RSS a connection, KB', of: ({ own }) => own.rss_kb_per_connection, target: 4.5, beyond: 3 },
    connectOf('Mercure', 1.5, 1),
    {
      what: 'connects/s of one whole core',
      of: ({ own }) => 1e6 / own.cpu_us_per_connect,
      target: 5_000,
      beyond: 10_000,
      atLeast: true,
    },
  ],
  'idle-known': [connectOf('nchan', 2.5, 1.5)],
  storm: [
    { what: 'statements a client', of: ({ own }) => own.statements_per_client, target: 0.05, beyond: 0.01 },
    { what: 'all live, ms', of: ({ own }) => own.all_live_ms, target: 15_000, beyond: 5_000 },
    { what: 'entries not replayed, or twice', of: ({ own }) => Math.abs(own.expected - own.replayed), target: 0 },
  ],
};

/** The columns of each row's table: field, heading, digits. */
const FAN_OUT = [
  ['rate_reached', 'alerts/s', 0],
  ['cpu_us_per_delivery', 'CPU µs/delivery', 2],
  ['deliveries_per_second', 'deliveries/s', 0],
  ['lost', 'lost', 0],
  ['p50_ms', 'p50 ms', 1],
  ['p99_ms', 'p99 ms', 1],
  ['server_core', 'server core', 2],
  ['generator_busy', 'generator busy', 2],
  ['machine_busy', 'machine busy', 2],
];
const STORING = [
  ['alerts_per_second', 'alerts/s', 0],
  ['postgres_us_per_alert', 'PostgreSQL µs/alert', 0],
  ['entry_bytes_per_alert', 'disk of entry and alert, B', 0],
  ['id_bytes_per_alert', 'of its id, B', 0],
];
const CONNECTING = [
  ['rss_kb_per_connection', 'RSS KB/connection', 1],
  ['cpu_us_per_connect', 'CPU µs/connect', 0],
  ['connects_per_second', 'connects/s measured', 0],
  ['connections', 'open', 0],
];
const COLUMNS = {
  memory: [
    ['rss_kb_per_connection', 'RSS KB/connection', 1],
    ['rest_mb', 'RSS MB before', 0],
    ['connections', 'open', 0],
  ],
  batch: STORING,
  disk: STORING,
  idle: CONNECTING,
  'idle-known': CONNECTING,
  storm: [
    ['all_live_ms', 'all live, ms', 0],
    ['statements', 'statements', 0],
    ['statements_per_client', 'a client', 4],
    ['live', 'live', 0],
    ['replayed', 'replayed', 0],
    ['expected', 'of', 0],
    ['cpu_us_per_client', 'CPU µs/client', 0],
  ],
};

/** Above this utilization the generator is too busy to show what the server can do. */
const GENERATOR_LIMIT = 0.95;

export function summarize(row, contenders, rounds) {
  const medians = Object.fromEntries(
    [...rounds].map(([name, results]) => [name, medianOf(results.filter(({ failed }) => !failed))]),
  );
  const own = medians.tocsin;
  // round by round, and then the median: a disturbance of a round affected both
  const share = (field, other) =>
    median(
      (rounds.get(other) ?? [])
        .flatMap((theirs, i) => rounds.get('tocsin')[i]?.[field] / theirs[field])
        .filter(Number.isFinite),
    );
  const targets = (own ? (TARGETS[row.name] ?? []) : []).flatMap(({ what, of, target, beyond, atLeast = false }) => {
    const value = of({ own, share });
    if (value === undefined || Number.isNaN(value)) return [];
    const reaches = (goal) => goal !== undefined && (atLeast ? value >= goal : value <= goal);
    return [
      { what, value, target, beyond, at_least: atLeast, reached: reaches(target), reached_beyond: reaches(beyond) },
    ];
  });
  return {
    name: row.name,
    kind: row.kind,
    title: row.title,
    contenders: contenders.map(({ name, about }) => ({ name, about, median: medians[name], rounds: rounds.get(name) })),
    targets,
  };
}

function medianOf(results) {
  if (results.length === 0) return undefined;
  const fields = Object.keys(results[0]).filter((field) => typeof results[0][field] === 'number');
  return Object.fromEntries(fields.map((field) => [field, median(results.map((result) => result[field]))]));
}

export function median(values) {
  if (values.length === 0) return undefined;
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

export const number = (value, digits) =>
  value == null ? '-' : value.toLocaleString('en', { minimumFractionDigits: digits, maximumFractionDigits: digits });

export function printRow({ name, kind, title, contenders, targets }, say) {
  const columns = COLUMNS[kind ?? name] ?? FAN_OUT;
  say(`\n${title}\n`);
  const table = [
    ['', ...columns.map(([, heading]) => heading)],
    ...contenders.map((one) => [one.name, ...columns.map(([field, , digits]) => number(one.median?.[field], digits))]),
  ];
  const widths = table[0].map((_, column) => Math.max(...table.map((line) => line[column].length)));
  for (const line of table)
    say(
      `  ${line.map((cell, column) => (column === 0 ? cell.padEnd(widths[column]) : cell.padStart(widths[column]))).join('  ')}`,
    );
  for (const { median: result, name: contender } of contenders) {
    if (result?.generator_busy > GENERATOR_LIMIT)
      say(
        `  ! ${contender}: the generator was ${number(result.generator_busy, 2)} busy; the server may do better than this says`,
      );
  }
  for (const { what, value, target, beyond, at_least: atLeast, reached, reached_beyond: better } of targets) {
    const goals = [
      target === undefined ? [] : `target ${atLeast ? '≥' : '≤'} ${number(target, digitsOf(target))}`,
      beyond === undefined ? [] : `beyond ${number(beyond, digitsOf(beyond))}`,
    ]
      .flat()
      .join(', ');
    say(`  ${better ? '✓✓' : reached ? '✓ ' : '✗ '} ${what}: ${number(value, digitsOf(value))} (${goals})`);
  }
}

const digitsOf = (value) => (value === 0 || value >= 100 ? 0 : value < 0.1 ? 4 : 2);
