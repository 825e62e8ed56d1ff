import * as fc from 'fast-check';
import { eventNameOf } from '@tocsin/contracts';
import { aPlannedEvent, aTenant } from '@tocsin/contracts/testing';
import { ACTS, SEVERITIES, type Act } from '@tocsin/contracts/wire';
import type { Database } from './database';
import { PostgresEventLog } from './event-log.postgres';
import { asOwner, freshDatabase, openDeliveryQueue, type FreshDatabase } from './testing';

const DELIVERIES = [{ channel: 'email', recipient: 'ana@example.com' }] as const;

const step = fc.oneof(
  fc.record({
    says: fc.constantFrom('firing', 'resolved'),
    severity: fc.constantFrom(...SEVERITIES),
    minute: fc.integer({ min: 0, max: 30 }),
  }),
  fc.record({ act: fc.constantFrom(...ACTS) }),
  fc.constant('the snooze ends' as const),
  fc.constant('the window ends' as const),
);

type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;
const fires = { says: 'firing', severity: 'high', minute: 0 } as const;
/** What rings, and acts that look like it: the runs meet each of them, whatever their seed is. */
const EXAMPLES: [Step[], boolean][] = [
  [[fires, { act: 'snooze' }, { act: 'unsnooze' }], false],
  [[fires, { act: 'resolve' }, { act: 'reopen' }], false],
  [[fires, { act: 'snooze' }, 'the snooze ends', { ...fires, severity: 'urgent', minute: 1 }], true],
  [[fires, { ...fires, says: 'resolved', minute: 1 }, { ...fires, minute: 2 }], false],
];

describe('what rings', () => {
  let fresh: FreshDatabase;
  let opened: ReturnType<typeof openDeliveryQueue>;
  let database: Database;
  let gateway: Database;
  let reader: PostgresEventLog;
  beforeAll(async () => {
    fresh = await freshDatabase();
    opened = openDeliveryQueue(
      { url: fresh.url },
      { notifier: 'tocsin_notifier', processor: 'tocsin_processor', gateway: 'tocsin_gateway' },
    );
    database = fresh.open('tocsin_processor');
    gateway = fresh.open('tocsin_gateway');
    reader = new PostgresEventLog(gateway);
  }, 60_000);
  afterAll(async () => {
    await opened?.close();
    await database?.close();
    await gateway?.close();
    await fresh?.drop();
  });

  it('is the same on phones and on screens after any change of an alert; and only entries that ring plan deliveries', async () => {
    const folding = new PostgresEventLog(database, { after: 0, windowMs: 3_600_000 });
    const seen = new Set<string>();
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 3, maxLength: 12 }), fc.boolean(), async (steps, folds) => {
        const tenant = aTenant();
        const log = folds ? folding : opened.log;
        const rows = <Row>(sql: string) => asOwner<Row>({ url: fresh.url }, sql, [tenant]);
        for (const one of steps) {
          if (one === 'the snooze ends') {
            await opened.endSnoozes(tenant);
            await opened.waking.wakeSnoozed();
          } else if (one === 'the window ends') {
            await rows('update tocsin.folded_repeat set due_at = now() where tenant_id = $1');
            await folding.appendFolded();
          } else if ('act' in one) await act(one.act);
          else {
            const occurred_at = new Date(Date.UTC(2026, 0, 1, 0, one.minute)).toISOString();
            const message = {
              tenant_id: tenant,
              dedup_key: 'k',
              status: one.says,
              severity: one.severity,
              occurred_at,
            };
            await log.append([aPlannedEvent(message, { deliveries: one.says === 'firing' ? DELIVERIES : [] })]);
          }
        }
        const entries = await reader.after(tenant, 0, 1_000);
        const stored = await rows<{ seq: number; rings: boolean; told: number }>(
          `select e.seq::int, e.rings, (select count(*)::int from tocsin.delivery d where d.tenant_id = e.tenant_id and d.seq = e.seq) as told
           from tocsin.event e where e.tenant_id = $1 order by e.seq`,
        );
        const rings = entries.map(({ entry }) => eventNameOf(entry) !== 'alert_update');
        expect(stored.map((row) => row.rings)).toEqual(rings);
        for (const { told, rings: rang } of stored) if (!rang) expect(told).toBe(0);
        for (const { entry } of entries) seen.add(`${entry.change}${entry.actor === null ? '' : ' by a user'}`);

        async function act(attempted: Act): Promise<void> {
          const [alert] = await rows<{ alert_id: string }>('select alert_id from tocsin.alert where tenant_id = $1');
          if (!alert) return;
          await opened.acts.act({ tenants: [tenant], acting: [tenant] }, [alert.alert_id], {
            act: attempted,
            by: 'ana',
            until: attempted === 'snooze' ? new Date(Date.now() + 3_600_000).toISOString() : null,
            assignee: attempted === 'assign' ? 'bo' : null,
            note: attempted === 'note' ? `${Math.random()}` : null,
            trace_id: null,
          });
        }
      }),
      { numRuns: 25, examples: EXAMPLES },
    );
    // the runs have met what can ring, and the acts of users that look the same
    for (const change of [
      'raised',
      'reopened',
      'severity_raised',
      'unsnoozed',
      'reopened by a user',
      'unsnoozed by a user',
    ])
      expect(seen).toContain(change);
  }, 120_000);
});
