import { describeAlertActs, describeSeenPositions } from '@tocsin/contracts/testing';
import { PostgresAlertActs } from './alert-acts.postgres';
import type { Database } from './database';
import { PostgresEventLog } from './event-log.postgres';
import { PostgresSeenPositions } from './seen-positions.postgres';
import { freshDatabase, type FreshDatabase } from './testing';

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
