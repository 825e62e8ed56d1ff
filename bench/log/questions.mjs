// A batch, and what is read of a log, through the adapters as the roles of the apps.
import { plannedAlert } from '../planned-alert.mjs';
import { FIRST } from '../search/queries.mjs';
import { TENANTS, entriesOf } from './load.mjs';
import { RUNS, below, timed, walOf } from './timing.mjs';

const BATCH = 100;

/** A batch of new alerts of all sizes of tenants. */
function aBatch() {
  return Array.from({ length: BATCH }, (_, at) => {
    const of = at % 10 === 0 ? TENANTS.huge : at % 2 === 0 ? TENANTS.large : TENANTS.small;
    return plannedAlert(of(below(900)));
  });
}

export async function append({ owner, log }) {
  for (let run = 0; run < 100; run += 1) await log.append(aBatch());
  await owner.query('checkpoint');
  let spent;
  const batches = Array.from({ length: RUNS }, aBatch);
  const bytes = await walOf(owner, async () => {
    spent = await timed((run) => () => log.append(batches[run]));
  });
  return { ...spent, 'WAL an alert': bytes / RUNS / BATCH };
}

/** Buffers that one statement reads as the gateway, and how long it was planned and executed. */
async function explain(gateway, of, sql, parameters) {
  const [row] = await gateway.as([of], (manager) =>
    manager.query(`explain (analyze, buffers, format json) ${sql}`, parameters),
  );
  const plan = row['QUERY PLAN'][0];
  return {
    buffers: plan.Plan['Shared Hit Blocks'] + plan.Plan['Shared Read Blocks'],
    planning: plan['Planning Time'],
    'planning buffers': (plan.Planning?.['Shared Hit Blocks'] ?? 0) + (plan.Planning?.['Shared Read Blocks'] ?? 0),
    execution: plan['Execution Time'],
  };
}

export async function replay({ reader, gateway, rows }) {
  const told = {};
  for (const [size, count] of Object.entries(entriesOf(rows))) {
    const name = TENANTS[size];
    for (const [from, behind] of [
      ['newest 10', count - 10],
      ['middle', Math.floor(count / 2)],
      ['oldest', 10],
    ]) {
      told[`${size}, ${from}`] = {
        ...(await timed(async () => {
          const of = name(below(900));
          return () => reader.after(of, behind + below(5), from === 'newest 10' ? 10 : 500);
        })),
        ...(await explain(
          gateway,
          name(1),
          'select e.* from tocsin.entry e where e.tenant_id = $1 and e.seq > $2 order by e.seq limit 500',
          [name(1), behind],
        )),
      };
    }
  }
  return told;
}

export async function lookUp({ owner, gateway, rows }) {
  const told = {};
  for (const [size, count] of Object.entries(entriesOf(rows))) {
    const of = TENANTS[size](1);
    const sql = 'select * from tocsin.event where tenant_id = $1 and seq = $2 limit 1';
    told[size] = {
      ...(await timed(async () => {
        const seq = 1 + below(count);
        return () => gateway.as([of], (manager) => manager.query(sql, [of, seq]));
      })),
      ...(await explain(gateway, of, sql, [of, Math.floor(count / 3)])),
    };
    // as a caller would ask that keeps the time of the entry beside its number
    const {
      rows: [{ at }],
    } = await owner.query('select received_at::text as at from tocsin.event where tenant_id = $1 and seq = $2', [
      of,
      Math.floor(count / 3),
    ]);
    const known = 'select * from tocsin.event where tenant_id = $1 and seq = $2 and received_at = $3 limit 1';
    told[`${size}, by its time`] = {
      ...(await timed(
        () => () => gateway.as([of], (manager) => manager.query(known, [of, Math.floor(count / 3), at])),
      )),
      ...(await explain(gateway, of, known, [of, Math.floor(count / 3), at])),
    };
  }
  return told;
}

export async function pages({ queries }) {
  const told = {};
  for (const [size, name] of Object.entries(TENANTS)) {
    const list = (query) =>
      timed(async () => {
        const of = name(below(900));
        return () => queries.list([of], { ...FIRST, ...query });
      });
    told[`${size}, newest`] = await list({});
    told[`${size}, open the longest`] = await list({ status: ['firing'], order: 'oldest' });
  }
  return told;
}
