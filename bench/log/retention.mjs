// How entries leave a log: row by row through the adapter, and with their partition.
import { DAYS, entriesOf } from './load.mjs';
import { stopwatch, walOf } from './timing.mjs';

const DAY_MS = 86_400_000;

async function throughTenants(step) {
  let gone = 0;
  let behind;
  do {
    const { next, deleted } = await step(behind);
    gone += deleted ?? 0;
    behind = next ?? undefined;
  } while (behind !== undefined);
  return gone;
}

/** The oldest day goes: floors first, then rows, then what vacuum has to do for it. */
export async function retain({ owner, retention }) {
  await owner.query('checkpoint');
  const told = {};
  const lap = stopwatch();
  await throughTenants((behind) => retention.release((DAYS - 1) * DAY_MS, behind));
  told['release s'] = lap();
  told['WAL MB'] =
    (await walOf(owner, async () => (told.rows = await throughTenants((behind) => retention.deleteReleased(behind))))) /
    2 ** 20;
  told['delete s'] = lap();
  await owner.query('checkpoint');
  lap();
  // without `index_cleanup` vacuum leaves the indexes alone while few pages have dead rows
  told['vacuum WAL MB'] = (await walOf(owner, () => owner.query('vacuum (index_cleanup on) tocsin.event'))) / 2 ** 20;
  told['vacuum s'] = lap();
  told['vacuum of alert s'] = (await owner.query('vacuum tocsin.alert'), lap());
  return told;
}

/** The oldest day goes by its partition: alerts are deleted as before, then the partition is detached and dropped. */
export async function detach({ owner }) {
  const {
    rows: [{ name, entries }],
  } = await owner.query(
    `select relid::text as name, (select reltuples from pg_class where oid = relid) as entries
     from pg_partition_tree('tocsin.event') p
     where isleaf and (select reltuples from pg_class where oid = relid) > 0 order by 1 offset 1 limit 1`,
  );
  await owner.query('checkpoint');
  const told = { rows: Number(entries) };
  const lap = stopwatch();
  await owner.query('alter table tocsin.alert disable row level security');
  told['WAL of alerts MB'] =
    (await walOf(owner, () =>
      owner.query(
        `delete from tocsin.alert a using ${name} old
         where (a.tenant_id, a.alert_id, a.described_seq) = (old.tenant_id, old.alert_id, old.seq) and a.folded = 0`,
      ),
    )) /
    2 ** 20;
  await owner.query('alter table tocsin.alert enable row level security');
  told['alerts s'] = lap();
  told['WAL of detach and drop MB'] =
    (await walOf(owner, async () => {
      // PostgreSQL refuses `concurrently` where there is a default partition
      await owner.query(`alter table tocsin.event detach partition ${name}`);
      await owner.query(`drop table ${name}`);
    })) /
    2 ** 20;
  told['detach and drop s'] = lap();
  return told;
}

const STEPS = 300;

/**
 * What a retention that was lowered leaves to do: a third of the huge tenant is released at once, and deleted in steps,
 * before vacuum comes. A step must not cost more because of what the steps before it have deleted.
 */
export async function backlog({ owner, retention, rows }) {
  await owner.query('alter table tocsin.tenant_stream disable row level security');
  await owner.query(`update tocsin.tenant_stream set floor_seq = $1 where tenant_id = 'huge'`, [
    Math.floor(entriesOf(rows).huge / 3),
  ]);
  await owner.query('alter table tocsin.tenant_stream enable row level security');
  await owner.query('checkpoint');
  const steps = [];
  // each step begins with `huge`, until nothing of it is left to delete
  while (steps.length < STEPS) {
    const since = performance.now();
    const { deleted } = await retention.deleteReleased('h');
    if (deleted < 1_000) break;
    steps.push(performance.now() - since);
  }
  const around = (share) => {
    const at = Math.floor(share * (steps.length - 1));
    const some = steps.slice(Math.max(0, at - 2), at + 3).sort((a, b) => a - b);
    return some[some.length >> 1];
  };
  return {
    steps: steps.length,
    'first ms': around(0),
    'at a quarter ms': around(0.25),
    'half-way ms': around(0.5),
    'last ms': around(1),
  };
}

/** What keeps transaction ids from running out: every page is read, and written once in the life of its rows. */
export async function freeze({ owner }) {
  const since = performance.now();
  const bytes = await walOf(owner, () => owner.query('vacuum (freeze, index_cleanup off) tocsin.event'));
  return { s: (performance.now() - since) / 1000, 'WAL MB': bytes / 2 ** 20 };
}
