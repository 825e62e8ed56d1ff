// The medians of the rounds, their comparison with the targets, and the table.
import { median, number } from '../stream/report.mjs';

/** Milliseconds depend on the machine and its disk. The floor of the same rounds does so too. */
const ofFloor = (target, beyond) => ({
  what: "p50, as a multiple of the floor's",
  of: ({ own }) => own.p50_of_floor,
  target,
  beyond,
});

/**
 * The target of a row. `own` are Tocsin's medians; `times(field)` is Tocsin's value as a multiple of the best other
 * one.
 */
const TARGETS = {
  drain: [
    { what: 'alerts/s', of: ({ own }) => own.alerts_per_second, target: 15_000, beyond: 25_000, atLeast: true },
    {
      what: 'times the best one by one',
      of: ({ times }) => times('alerts_per_second'),
      target: 5,
      beyond: 10,
      atLeast: true,
    },
    { what: 'left unacknowledged', of: ({ own }) => own.unacknowledged, target: 0 },
  ],
  live: [
    { what: 'alerts/s', of: ({ own }) => own.alerts_per_second, target: 6_000, beyond: 9_000, atLeast: true },
    { what: 'times the best one by one', of: ({ times }) => times('alerts_per_second'), target: 5, atLeast: true },
    {
      what: 'refused, lost or twice, at any subscriber',
      of: ({ own }) => own.refused + own.lost + own.twice,
      target: 0,
    },
  ],
  latency: [
    ofFloor(1.15, 1),
    { what: 'p99, ms', of: ({ own }) => own.p99_ms, target: 25, beyond: 12 },
    {
      what: 'refused, lost or twice, at any subscriber',
      of: ({ own }) => own.refused + own.lost + own.twice,
      target: 0,
    },
  ],
};

const NONE_LOST = TARGETS.latency.at(-1);
TARGETS.lone = [ofFloor(1.05), NONE_LOST];
TARGETS.busy = [ofFloor(2, 1.5), NONE_LOST];
TARGETS['busy-1000'] = [ofFloor(2.5, 1.5), NONE_LOST];

/** What two builds are compared by. The CPU of a process says more than the clock when other programs run. */
const COMPARED = {
  'alerts/s': { of: (round) => round.alerts_per_second, rows: ['drain', 'live'], atLeast: true },
  'processor µs/alert': { of: (round) => round.us_per_alert?.processor },
  'PostgreSQL µs/alert': { of: (round) => round.us_per_alert?.backends },
  'RabbitMQ µs/alert': { of: (round) => round.us_per_alert?.rabbitmq },
  'p50 ms': { of: (round) => round.p50_ms, rows: ['latency', 'lone', 'busy', 'busy-1000'] },
};

/** By how much a build may be worse than the kept one: rounds of one build differ by about as much. */
export const WORSE_BY = 0.1;

/** This build's figures as multiples of another build's: round by round, and then the median. */
export function ratiosOf(row, rounds, other) {
  return Object.fromEntries(
    Object.entries(COMPARED).flatMap(([what, { of, rows, atLeast = false }]) => {
      const ratios = rounds.get('tocsin').map((round, i) => of(round) / of(rounds.get(other)[i]));
      const ratio = median(ratios.filter(Number.isFinite));
      if (ratio === undefined || (rows && !rows.includes(row))) return [];
      return [[what, { ratio, worse: atLeast ? 1 / ratio - 1 : ratio - 1 }]];
    }),
  );
}

export function printRatios({ ratios }, say) {
  for (const [name, values] of Object.entries(ratios))
    say(
      `  of ${name}: ${Object.entries(values)
        .map(([what, { ratio, worse }]) => `${what} ${ratio.toFixed(2)}${worse > WORSE_BY ? ' (worse)' : ''}`)
        .join(', ')}`,
    );
}

const CPU_COLUMNS = [
  ['processor_us_per_alert', 'processor µs/alert', 0],
  ['machine_busy', 'machine busy', 2],
];
const COLUMNS = {
  drain: [['alerts_per_second', 'alerts/s', 0], ['alerts', 'alerts', 0], ...CPU_COLUMNS],
  live: [
    ['alerts_per_second', 'alerts/s', 0],
    ['p50_ms', 'p50 ms', 1],
    ['p99_ms', 'p99 ms', 1],
    ['lost', 'lost', 0],
    ['twice', 'twice', 0],
    ['reopened', 'reopened', 0],
    ['generator_busy', 'generator busy', 2],
    ...CPU_COLUMNS,
  ],
  latency: [
    ['alerts_per_second', 'alerts/s', 0],
    ['p50_ms', 'p50 ms', 1],
    ['p50_of_floor', 'of the floor', 2],
    ['p99_ms', 'p99 ms', 1],
    ['p99_from_due_ms', 'p99 from due', 1],
    ['lost', 'lost', 0],
    ['twice', 'twice', 0],
    ['reopened', 'reopened', 0],
    ...CPU_COLUMNS,
  ],
};

COLUMNS.lone = COLUMNS.busy = COLUMNS['busy-1000'] = COLUMNS.latency;

export function summarize(row, contenders, rounds) {
  const medians = Object.fromEntries(
    [...rounds].map(([name, results]) => [name, medianOf(results.filter(({ failed }) => !failed))]),
  );
  const floor = contenders.find(({ isFloor }) => isFloor);
  // round by round, and then the median: a disturbance of a round affected the floor too
  for (const { name, isFloor } of floor ? contenders : [])
    if (medians[name] && !isFloor)
      medians[name].p50_of_floor = median(
        rounds
          .get(name)
          .map(({ p50_ms, lost }, i) => {
            const least = rounds.get(floor.name)[i];
            // what did not keep up has the latency of a growing queue, which says nothing
            return lost === 0 && least.lost === 0 ? p50_ms / least.p50_ms : NaN;
          })
          .filter(Number.isFinite),
      );
  const own = medians.tocsin;
  const others = contenders.filter(({ usual }) => usual).map(({ name }) => name);
  // round by round, and then the median: a disturbance of a round affected all contenders
  const times = (field) =>
    others.length > 0 &&
    median(
      rounds
        .get('tocsin')
        .flatMap(
          (round, i) => round[field] / Math.max(...others.flatMap((name) => rounds.get(name)?.[i]?.[field] ?? [])),
        )
        .filter(Number.isFinite),
    );
  const targets = (own ? TARGETS[row.name] : []).flatMap(({ what, of, target, beyond, atLeast = false }) => {
    const value = of({ own, times });
    if (value === undefined || value === false || Number.isNaN(value)) return [];
    const reaches = (goal) => goal !== undefined && (atLeast ? value >= goal : value <= goal);
    return [
      { what, value, target, beyond, at_least: atLeast, reached: reaches(target), reached_beyond: reaches(beyond) },
    ];
  });
  return {
    name: row.name,
    title: row.title,
    contenders: contenders.map(({ name, about }) => ({ name, about, median: medians[name], rounds: rounds.get(name) })),
    targets,
  };
}

/** The median of each number, including numbers inside of an object. */
function medianOf(results) {
  if (results.length === 0) return undefined;
  return Object.fromEntries(
    Object.entries(results[0]).flatMap(([field, value]) => {
      const values = results.map((result) => result[field]);
      if (typeof value === 'number') return [[field, median(values)]];
      return value && typeof value === 'object' ? [[field, medianOf(values)]] : [];
    }),
  );
}

const digitsOf = (value) => (value === 0 || value >= 100 ? 0 : 2);

export function printRow({ name, title, contenders, targets }, say) {
  const columns = COLUMNS[name];
  say(`\n${title}\n`);
  const processes = [...new Set(contenders.flatMap(({ median: result }) => Object.keys(result?.cores ?? {})))];
  const table = [
    ['', ...columns.map(([, heading]) => heading), ...processes],
    ...contenders.map((one) => [
      one.name,
      ...columns.map(([field, , digits]) => number(one.median?.[field], digits)),
      ...processes.map((process) => number(one.median?.cores?.[process], 2)),
    ]),
  ];
  const widths = table[0].map((_, column) => Math.max(...table.map((line) => line[column].length)));
  for (const line of table)
    say(
      `  ${line.map((cell, column) => (column === 0 ? cell.padEnd(widths[column]) : cell.padStart(widths[column]))).join('  ')}`,
    );
  say(`  (under the name of a process: how much of one core it took)`);
  for (const { what, value, target, beyond, at_least: atLeast, reached, reached_beyond: better } of targets) {
    const goals = [
      `target ${atLeast ? '≥' : '≤'} ${number(target, digitsOf(target))}`,
      beyond === undefined ? [] : `beyond ${number(beyond, digitsOf(beyond))}`,
    ]
      .flat()
      .join(', ');
    say(`  ${better ? '✓✓' : reached ? '✓ ' : '✗ '} ${what}: ${number(value, digitsOf(value))} (${goals})`);
  }
}
