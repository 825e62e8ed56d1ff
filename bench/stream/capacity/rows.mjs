// The sizes of `--only capacity`: some give the constants of the formula, at the others it is checked.
import { fanOut } from '../rows.mjs';
import { holding, storing } from './measures.mjs';

/** A size with `gives` is one that the constants are solved from. */
const LOADS = [
  { gives: true, streams: 1_000, tenants: 1, rate: 20 },
  { gives: true, streams: 500, tenants: 500, rate: 1_000 },
  { streams: 250, tenants: 1, rate: 60 },
  { streams: 2_000, tenants: 1, rate: 15 },
  { streams: 4_000, tenants: 1_000, rate: 1_000 },
];
const HELD = [
  { gives: true, streams: 8_000, tenants: 1 },
  { gives: true, streams: 4_000, tenants: 4_000 },
  { streams: 4_000, tenants: 400 },
  { streams: 6_000, tenants: 3_000 },
  { streams: 10_000, tenants: 100 },
];
const BATCHES = [
  { gives: true, batch: 1, alerts: 1_000 },
  { gives: true, batch: 500, alerts: 25_000 },
  { batch: 5, alerts: 3_000 },
  { batch: 20, alerts: 6_000 },
  { batch: 100, alerts: 15_000 },
];
const LOGS = [
  { gives: true, alerts: 50_000, tenants: 100 },
  { alerts: 10_000, tenants: 1 },
  { alerts: 20_000, tenants: 1_000 },
  { alerts: 80_000, tenants: 100 },
];
/** So many that all alerts of a batch are of different tenants: this takes the most. */
const TENANTS = 1_000;
const MAX_BATCH = 500;
/** A gateway that runs for hours has compiled its code. */
const WARM_SECONDS = 3;

const number = (count) => count.toLocaleString('en');
const tenantsOf = (count) => `${number(count)} ${count === 1 ? 'tenant' : 'tenants'}`;

/** `mostStreams`: as many as the descriptors of a process allow. */
export function capacityRows({ full, mostStreams }) {
  const rowsOf = (kind, sizes, more) =>
    sizes.map((size, i) => ({
      name: `capacity-${kind}-${i + 1}`,
      group: 'capacity',
      kind,
      size,
      of: ['tocsin'],
      title: more.titleOf(size),
      ...more,
      measure: (lab, contender) => more.measure(lab, contender, size),
    }));
  return [
    ...rowsOf('gateway', LOADS, {
      rounds: 3,
      titleOf: ({ streams, tenants, rate }) =>
        `${number(streams)} streams of ${tenantsOf(tenants)}, ${number(rate)} alerts/s`,
      measure: (lab, contender, { streams, ...size }) =>
        fanOut(lab, contender, { ...size, subscribers: streams, warmSeconds: WARM_SECONDS, seconds: full ? 10 : 4 }),
    }),
    ...rowsOf(
      'memory',
      HELD.filter(({ streams }) => streams <= mostStreams),
      {
        rounds: full ? 5 : 3,
        fresh: true,
        titleOf: ({ streams, tenants }) => `${number(streams)} idle streams of ${tenantsOf(tenants)}`,
        measure: holding,
      },
    ),
    ...rowsOf('batch', BATCHES, {
      rounds: 3,
      titleOf: ({ batch }) => `Stored in batches of ${batch}`,
      measure: (lab, contender, size) => storing(lab, contender, { ...size, tenants: TENANTS }),
    }),
    ...rowsOf('disk', LOGS, {
      rounds: 1,
      fresh: true,
      titleOf: ({ alerts, tenants }) => `${number(alerts)} alerts of ${tenantsOf(tenants)} on disk`,
      measure: (lab, contender, size) => storing(lab, contender, { ...size, batch: MAX_BATCH }),
    }),
  ];
}
