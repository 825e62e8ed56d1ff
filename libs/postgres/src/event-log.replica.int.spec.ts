import { Unavailable, type StoredEvent } from '@tocsin/contracts';
import type { EventLog } from '@tocsin/contracts/ports';
import { aPlannedEvent, aTenant, describeEventLog, FOLDS } from '@tocsin/contracts/testing';
import type { Database } from './database';
import { PostgresEventLog } from './event-log.postgres';
import { ReplicaEventLog } from './event-log.replica';
import { freshDatabase, type FreshDatabase } from './testing';

type Replica = Pick<EventLog, 'after'>;
const away: Replica = { after: () => Promise.reject(new Unavailable('log', 'away')) };
/** A replica that has only the first half of what it is asked for. */
const behind = (log: EventLog): Replica => ({
  after: async (...asked) => {
    const all = await log.after(...asked);
    return all.slice(0, Math.ceil(all.length / 2));
  },
});

describeEventLog('PostgreSQL with a replica that is behind', {
  async open() {
    const fresh = await freshDatabase();
    const [processor, gateway] = (['tocsin_processor', 'tocsin_gateway'] as const).map((role) => fresh.open(role));
    const withReplica = (log: EventLog) => new ReplicaEventLog(log, behind(log), undefined, 0);
    return {
      log: withReplica(new PostgresEventLog(processor!)),
      folding: withReplica(new PostgresEventLog(processor!, FOLDS)),
      reader: withReplica(new PostgresEventLog(gateway!)),
      async close() {
        await Promise.all([processor!.close(), gateway!.close()]);
        await fresh.drop();
      },
    };
  },
});

describe('a log with a replica', () => {
  let fresh: FreshDatabase;
  let databases: Database[] = [];
  let primary: PostgresEventLog;
  const tenant = aTenant();
  beforeAll(async () => {
    fresh = await freshDatabase();
    databases = (['tocsin_processor', 'tocsin_gateway'] as const).map((role) => fresh.open(role));
    primary = new PostgresEventLog(databases[1]!);
    await new PostgresEventLog(databases[0]!).append(
      Array.from({ length: 300 }, (_, n) => aPlannedEvent({ tenant_id: tenant, id: `e${n}` })),
    );
  }, 60_000);
  afterAll(async () => {
    await Promise.all(databases.map((database) => database.close()));
    await fresh?.drop();
  });

  const counted = (log: Replica) => {
    const asked: number[] = [];
    return { asked, after: (...args: Parameters<EventLog['after']>) => (asked.push(args[2]), log.after(...args)) };
  };
  const over = (replica: Replica) => {
    const both = { primary: counted(primary), replica: counted(replica) };
    const log = new ReplicaEventLog(Object.assign(Object.create(primary) as EventLog, both.primary), both.replica);
    return { log, ...both };
  };
  const seqs = (events: StoredEvent[]) => events.map(({ seq }) => seq);
  const numbers = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, i) => from + i);

  it('reads a whole page from the replica alone, and a short one from the primary alone', async () => {
    const { log, primary: first, replica } = over(primary);
    expect(seqs(await log.after(tenant, 0, 200))).toEqual(numbers(1, 200));
    expect([first.asked, replica.asked]).toEqual([[], [200]]);
    expect(seqs(await log.after(tenant, 290, 20))).toEqual(numbers(291, 300));
    expect([first.asked, replica.asked]).toEqual([[20], [200]]);
  });

  it('reads from the primary only what the replica has not', async () => {
    const { log, primary: first } = over(behind(primary));
    expect(seqs(await log.after(tenant, 0, 300))).toEqual(numbers(1, 300));
    expect(first.asked).toEqual([151]);
  });

  it('does not mix the history of another log with its own', async () => {
    const other: Replica = {
      after: async (...asked) =>
        (await primary.after(...asked)).slice(0, 50).map((event) => ({ ...event, fp: 'other' })),
    };
    expect(await over(other).log.after(tenant, 0, 300)).toEqual(await primary.after(tenant, 0, 300));
  });

  it('leaves a replica alone that did not answer', async () => {
    const { log, replica } = over(away);
    for (let n = 0; n < 3; n += 1) expect(seqs(await log.after(tenant, 0, 200))).toEqual(numbers(1, 200));
    expect(replica.asked).toEqual([200]);
  });

  it('throws what is no outage', async () => {
    const { log } = over({ after: () => Promise.reject(new Error('a defect')) });
    await expect(log.after(tenant, 0, 200)).rejects.toThrow('a defect');
  });
});
