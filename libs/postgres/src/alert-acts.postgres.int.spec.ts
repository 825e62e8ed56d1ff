import {
  aPlannedEvent,
  aTenant,
  describeAlertActs,
  describeSeenPositions,
  eventually,
} from '@tocsin/contracts/testing';
import { Client } from 'pg';
import { PostgresAlertActs } from './alert-acts.postgres';
import type { Database } from './database';
import { PostgresEventLog } from './event-log.postgres';
import { PostgresSeenPositions } from './seen-positions.postgres';
import { asOwner, freshDatabase, type FreshDatabase } from './testing';

let fresh: FreshDatabase;
let processor: Database;
let gateway: Database;
beforeAll(async () => {
  fresh = await freshDatabase();
  processor = fresh.open('tocsin_processor');
  gateway = fresh.open('tocsin_gateway');
}, 60_000);
afterAll(async () => {
  await Promise.all([processor?.close(), gateway?.close()]);
  await fresh?.drop();
});

describeAlertActs('PostgreSQL', {
  open: () =>
    Promise.resolve({
      acts: new PostgresAlertActs(gateway),
      waking: new PostgresAlertActs(processor),
      log: new PostgresEventLog(processor),
      reader: new PostgresEventLog(gateway),
      close: () => Promise.resolve(),
    }),
});

describeSeenPositions('PostgreSQL', {
  open: () =>
    Promise.resolve({
      seen: new PostgresSeenPositions(gateway),
      log: new PostgresEventLog(processor),
      close: () => Promise.resolve(),
    }),
});

it("the gateway's role may not end snoozes whose time is over: that is the processor's part", async () => {
  await expect(new PostgresAlertActs(gateway).wakeSnoozed()).rejects.toMatchObject({ name: 'Unavailable' });
});

it('an act on an alert that retention deletes at this moment finds none, and appends no entry', async () => {
  const tenant_id = aTenant();
  const [stored] = await new PostgresEventLog(processor).append([aPlannedEvent({ tenant_id })]);
  if (stored?.outcome !== 'stored') throw new Error('not stored');
  const { alert_id } = stored.event.entry;
  const retention = new Client({ connectionString: fresh.url });
  try {
    await retention.connect();
    await retention.query('begin');
    await retention.query('delete from tocsin.alert where tenant_id = $1', [tenant_id]);
    const attempt = { act: 'resolve', by: 'ana', until: null, assignee: null, note: null, trace_id: null } as const;
    const acted = new PostgresAlertActs(gateway).act(
      { tenants: [tenant_id], acting: [tenant_id] },
      [alert_id],
      attempt,
    );
    await eventually(async () =>
      expect(
        await asOwner(
          { url: fresh.url },
          `select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`,
        ),
      ).toHaveLength(1),
    );
    await retention.query('commit');
    expect(await acted).toEqual([{ outcome: 'not_found' }]);
    expect(await new PostgresEventLog(gateway).heads([tenant_id])).toMatchObject([{ seq: 1 }]);
  } finally {
    await retention.end();
  }
});
