import { aPlannedEvent, aTenant } from '@tocsin/contracts/testing';
import { PostgresEventLog } from './event-log.postgres';
import { migrate } from './migrate';
import { asOwner, freshDatabase } from './testing';

it('the migration finds when alerts of before were resolved and opened again, in chunks, for every tenant', async () => {
  const fresh = await freshDatabase();
  const processor = fresh.open('tocsin_processor');
  const sql = (text: string, values: unknown[] = []) => asOwner({ url: fresh.url }, text, values);
  try {
    const log = new PostgresEventLog(processor);
    const tenants = [aTenant(), aTenant()];
    const at = (minute: number) => new Date(Date.UTC(2026, 0, 1, 0, minute)).toISOString();
    const say = (key: string, minute: number, status: 'firing' | 'resolved') =>
      log.append(
        tenants.map((tenant_id) => aPlannedEvent({ tenant_id, dedup_key: key, status, occurred_at: at(minute) })),
      );
    await say('over', 1, 'firing');
    await say('over', 2, 'resolved');
    await say('over', 3, 'resolved');
    await say('again', 1, 'firing');
    await say('again', 2, 'resolved');
    await say('again', 3, 'firing');
    await say('open', 1, 'firing');
    // more than one chunk
    await log.append(
      Array.from({ length: 600 }, (_, n) =>
        aPlannedEvent({ tenant_id: tenants[0]!, dedup_key: `many-${n}`, status: 'resolved' }),
      ),
    );
    const times = () => sql('select alert_id, resolved_at, reopened_at from tocsin.alert order by alert_id');
    const before = (await times()) as { resolved_at: Date | null; reopened_at: Date | null }[];
    expect(before.filter(({ resolved_at }) => resolved_at !== null)).toHaveLength(602);
    expect(before.filter(({ reopened_at }) => reopened_at !== null)).toHaveLength(2);
    await sql('update tocsin.alert set resolved_at = null, reopened_at = null');
    await sql('drop index tocsin.alert_resolved');
    await sql(`delete from tocsin.migration where name like '%0029%' or timestamp = 29`);
    expect((await migrate({ connection: { url: fresh.url } })).applied).toEqual(['0029-resolved-order']);
    expect(await times()).toEqual(before);
  } finally {
    await processor.close();
    await fresh.drop();
  }
}, 60_000);
