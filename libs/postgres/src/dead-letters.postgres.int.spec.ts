import { aTenant, describeDeadLetters } from '@tocsin/contracts/testing';
import type { Database } from './database';
import { PostgresDeadLetters } from './dead-letters.postgres';
import { PostgresEventLog } from './event-log.postgres';
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

describeDeadLetters('PostgreSQL', {
  async open() {
    await asOwner({ url: fresh.url }, 'delete from tocsin.dead_letter');
    return {
      deadLetters: new PostgresDeadLetters(gateway),
      log: new PostgresEventLog(processor),
      close: () => Promise.resolve(),
    };
  },
});

describe('dead letters in PostgreSQL', () => {
  const letters = () => new PostgresDeadLetters(gateway);
  const bury = (count: number) =>
    new PostgresEventLog(processor).bury(
      Array.from({ length: count }, () => ({
        tenant_id: aTenant('a'),
        reason: 'invalid_json',
        detail: '',
        body: Buffer.from('x'),
        routing_key: null,
      })),
    );

  it('are decided once, however many users decide at the same time', async () => {
    await asOwner({ url: fresh.url }, 'delete from tocsin.dead_letter');
    await bury(20);
    const all = await letters().list('all', { tenant_id: null, reason: null, status: null, behind: null, limit: 100 });
    const ids = all.map(({ dead_letter_id }) => dead_letter_id);
    const decided = await Promise.all(
      Array.from({ length: 8 }, (_, index) =>
        letters().decide('all', ids, { status: 'redriven', by: `user ${index}`, note: null }),
      ),
    );
    expect(decided.flat().sort((x, y) => x - y)).toEqual(ids);
  });

  it('are forgotten 30 days after they were decided, with the next decision, and open ones never', async () => {
    await asOwner({ url: fresh.url }, 'delete from tocsin.dead_letter');
    await bury(3);
    const owner = (sql: string) => asOwner<{ status: string }>({ url: fresh.url }, sql);
    await owner(`update tocsin.dead_letter set buried_at = now() - interval '90 days'`);
    const [first, second] = await letters().list('all', {
      tenant_id: null,
      reason: null,
      status: null,
      behind: null,
      limit: 100,
    });
    await letters().decide('all', [first!.dead_letter_id], { status: 'discarded', by: 'ana', note: 'old' });
    await owner(`update tocsin.dead_letter set decided_at = now() - interval '31 days' where status <> 'open'`);
    await letters().decide([aTenant('b')], [second!.dead_letter_id], {
      status: 'discarded',
      by: 'bob',
      note: 'not his',
    });
    expect(await owner('select status from tocsin.dead_letter')).toEqual([{ status: 'open' }, { status: 'open' }]);
  });

  it('cannot be read by the processor, which only buries them', async () => {
    await expect(new PostgresDeadLetters(processor).depth()).rejects.toMatchObject({ name: 'Unavailable' });
  });
});
