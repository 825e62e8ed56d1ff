// Many notifications for the same minute, as mails: whether all are sent, when each starts and is sent, and how long an
// alert takes to be stored meanwhile, beside the same time without them.
import { stdout } from 'node:process';
import { setTimeout as sleep } from 'node:timers/promises';
import { onServer, withDatabase } from './databases.mjs';
import { NotifierSite } from './notifier-site.mjs';
import { verdict } from './verdict.mjs';
import { plannedEvent } from './work.mjs';

const TENANTS = 100;
/** Alerts are stored one by one, this often. */
const ALERT_EVERY_MS = 20;
const QUIET_MS = 10_000;
/** The notifications are scheduled for so long after they were stored. */
const AHEAD_MS = 15_000;
const LOOK_MS = 1_000;

const p99 = (stored) => stored.map(({ ms }) => ms).toSorted((a, b) => a - b)[Math.floor(stored.length * 0.99)] ?? NaN;

/**
 * Stores alerts without deliveries until `over` resolves. Returns of each when that began, by `Date.now()`, and how
 * long it took, in milliseconds.
 */
async function ingestUntil(site, over) {
  const took = [];
  let goesOn = true;
  void over.finally(() => (goesOn = false));
  const storing = [];
  const begunAt = performance.now();
  for (let at = 0; goesOn; at += 1) {
    await sleep(Math.max(0, begunAt + at * ALERT_EVERY_MS - performance.now()));
    const [from, began] = [performance.now(), Date.now()];
    storing.push(
      site.log.append([plannedEvent(at % TENANTS, [])]).then(() => took.push({ began, ms: performance.now() - from })),
    );
  }
  await Promise.all(storing);
  await over;
  return took;
}

/** Straight into the table: how long it takes to ask for a notification is not measured here. */
const schedule = (url, count, dueAt) =>
  onServer(
    url,
    `insert into tocsin.notification
       (tenant_id, title, severity, channels, recipients, to_channels, to_recipients, due_at, created_at, created_by)
     select 'tenant-' || n % ${TENANTS}, 'Your order is on its way', 'low', '{email}', array[n || '@example.com'],
       '{email}', array[n || '@example.com'], $2, now(), 'orders'
     from generate_series(1, $1::int) n`,
    [count, dueAt],
  );

async function allSent(site, count) {
  for (let before = -1, stalled = 0; ;) {
    const have = await site.sink.ask('count');
    if (have >= count) return;
    stalled = have === before ? stalled + 1 : 0;
    if (stalled > 60) throw new Error(`${have} of ${count} mails have arrived, and none for a minute`);
    before = have;
    await sleep(LOOK_MS);
  }
}

export const minuteRow = (services, { count }) =>
  withDatabase(services.DATABASE_URL, async (databaseUrl) => {
    const site = await NotifierSite.open(services, databaseUrl);
    try {
      await ingestUntil(site, sleep(1_000));
      const alone = await ingestUntil(site, sleep(QUIET_MS));
      const dueAt = new Date(Date.now() + AHEAD_MS);
      await schedule(databaseUrl, count, dueAt);
      if (Date.now() > dueAt.getTime()) throw new Error('the notifications were stored too late for their time');
      await sleep(dueAt.getTime() - Date.now());
      const beside = await ingestUntil(site, allSent(site, count));
      const arrived = (await site.sink.ask('take')).map(([, at]) => at - dueAt.getTime());
      const [starts] = await onServer(
        databaseUrl,
        `select count(*)::int as started,
           percentile_cont(array[0.5, 0.99, 1]) within group (order by extract(epoch from started_at - due_at)) as s
         from tocsin.notification`,
      );
      const statuses = await onServer(databaseUrl, 'select status, count(*)::int from tocsin.delivery group by status');
      const last = arrived.reduce((most, at) => Math.max(most, at), 0) / 1_000;
      stdout.write(
        `\n${count.toLocaleString('en')} notifications for the same minute, ${TENANTS} tenants, one notifier\n\n`,
      );
      const s = (value) => `${value.toFixed(1)} s`;
      stdout.write(`mails that arrived         ${arrived.length}, to different recipients\n`);
      stdout.write(`deliveries                 ${statuses.map((one) => `${one.status} ${one.count}`).join(', ')}\n`);
      stdout.write(
        `started after their time   median ${s(starts.s[0])}, p99 ${s(starts.s[1])}, last ${s(starts.s[2])}\n`,
      );
      stdout.write(`sent after their time      last ${s(last)}, ${Math.round(count / last)} a second\n`);
      const [quiet, busy] = [p99(alone), p99(beside)];
      stdout.write(
        `alert stored, p99          ${quiet.toFixed(1)} ms alone, ${busy.toFixed(1)} ms meanwhile: ${(busy / quiet).toFixed(2)} x (${beside.length} alerts)\n`,
      );
      const begunAll = dueAt.getTime() + starts.s[2] * 1_000;
      const [early, late] = [
        beside.filter(({ began }) => began < begunAll),
        beside.filter(({ began }) => began >= begunAll),
      ];
      stdout.write(
        `                           ${p99(early).toFixed(1)} ms until the last had started, ${p99(late).toFixed(1)} ms after it\n\n`,
      );
      verdict(`mails to different recipients, of ${count}`, arrived.length, { atLeast: count, atMost: count });
      const sent = statuses.find(({ status }) => status === 'sent')?.count ?? 0;
      verdict(`deliveries that are sent, of ${count}`, sent, { atLeast: count, atMost: count });
      verdict('alert stored, p99 meanwhile / alone, at most 1.50', busy / quiet, { atMost: 1.5 });
    } finally {
      await site.close();
    }
  });
