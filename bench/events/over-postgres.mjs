// Publish and subscribe over PostgreSQL: two instances of the event broker, and two of pg-boss at its fastest setting.
import { createRequire } from 'node:module';
import PgBoss from 'pg-boss';

const { Client, Pool } = createRequire(import.meta.url)('pg');
const CONCURRENCY = 100;
const TYPE = 'public.users.create';
const PAYLOAD = { id: 7, name: 'Ada Lovelace', mail: 'ada@example.org', roles: ['admin', 'author'] };

/** Publishes all, `CONCURRENCY` at a time, and resolves when all were heard and settled. */
async function run(events, publish, done) {
  const since = performance.now();
  let given = 0;
  await Promise.all(
    Array.from({ length: CONCURRENCY }, async () => {
      while (given < events) {
        given += 1;
        await publish();
      }
    }),
  );
  await done;
  return (events * 1_000) / (performance.now() - since);
}

/** A promise that resolves at the call of this number. */
function countdown(events) {
  let left = events;
  let resolve;
  const done = new Promise((settle) => (resolve = settle));
  return { done, tick: (count = 1) => (left -= count) <= 0 && resolve() };
}

export async function overPostgres(library, server, name, events) {
  const admin = new Client({ connectionString: server });
  await admin.connect();
  await admin.query(`create database ${name}`);
  const url = new URL(server);
  url.pathname = `/${name}`;
  const connectionString = url.toString();

  async function broker() {
    const pools = [0, 1].map(() => new Pool({ connectionString, max: 10 }));
    // the database is dropped while the last connections are closing
    for (const pool of pools) pool.on('error', () => {});
    const [one, two] = pools.map(
      (pool, number) =>
        new library.EventBroker({ provider: new library.DatabaseProvider({ pool }), instanceId: `instance-${number}` }),
    );
    const { done, tick } = countdown(events);
    two.subscribe(TYPE, async () => void tick());
    await one.start();
    await two.start();
    const result = await run(events, () => one.publish({ type: TYPE, payload: PAYLOAD }), done);
    await Promise.all([one.stop(), two.stop()]);
    await Promise.all(pools.map((pool) => pool.end()));
    return result;
  }

  /** The same where the subscriber is in the publishing instance, and each event's status is updated twice. */
  async function brokerAlone() {
    const pool = new Pool({ connectionString, max: 10 });
    pool.on('error', () => {});
    const one = new library.EventBroker({
      provider: new library.DatabaseProvider({ pool }),
      instanceId: 'alone',
      workerCount: 500,
      bufferSize: 10_000,
    });
    const { done, tick } = countdown(events);
    one.subscribe(TYPE, async () => void tick());
    await one.start();
    const since = performance.now();
    await run(events, () => one.publish({ type: TYPE, payload: PAYLOAD }), done);
    await one.stop();
    const result = (events * 1_000) / (performance.now() - since);
    await pool.end();
    return result;
  }

  async function boss() {
    const [one, two] = [0, 1].map(() => new PgBoss({ connectionString, max: 10, supervise: false, schedule: false }));
    for (const each of [one, two]) {
      each.on('error', () => {});
      await each.start();
    }
    await one.createQueue('users');
    await two.subscribe(TYPE, 'users');
    const { done, tick } = countdown(events);
    await two.work('users', { batchSize: 500, pollingIntervalSeconds: 0.5 }, async (jobs) => void tick(jobs.length));
    const result = await run(events, () => one.publish(TYPE, PAYLOAD), done);
    await Promise.all([one.stop({ graceful: true }), two.stop({ graceful: true })]);
    return result;
  }

  return {
    rows: {
      'pg-boss: publish to a subscriber of another instance': boss,
      'event broker: publish to a subscriber of another instance': broker,
      'event broker: publish to its own subscriber, statuses settled': brokerAlone,
    },
    async drop() {
      await admin.query(`drop database ${name} with (force)`);
      await admin.end();
    },
  };
}
