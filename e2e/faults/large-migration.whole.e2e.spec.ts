import { eventually } from '@tocsin/contracts/testing';
import { commandsOf, runCommands } from '../kit/document-commands';
import type { StoredRow } from '../kit/ledger';
import { Stack } from '../kit/stack';
import { figures } from './figures';
import { OlderBuild } from './older-build';
import { limitMs } from './size';
import { SteadyLoad, wallMs } from './steady-load';
import { brokenPromises, caughtUp, deliveryMs, percentile } from './verdict';
import { Watcher } from './watcher';

const OLDER = 'f4ea33f';
/** The tenant whose alerts are stored during the migration. */
const TENANT = 'bakery';
/** The tenants of the stored entries. */
const TENANTS = 10;
const ENTRIES = 5_000_000;
/** Each alert was raised, repeated three times and resolved. */
const ENTRIES_OF_AN_ALERT = 5;
const PER_TENANT = ENTRIES / TENANTS;
const PER_SECOND = 20;
/** How long storing may wait for the migration once the planned deliveries of the older build are deleted. */
const BLOCKED_MS = 3_000;

const FILL = [
  `insert into tocsin.tenant_stream (tenant_id, last_seq, last_fp)
   select 'old-' || t, ${PER_TENANT}, 'f' from generate_series(1, ${TENANTS}) t`,
  `insert into tocsin.event (tenant_id, seq, fp, event_id, alert_id, change, status, severity, previous_status, type,
     service, name, title, message, occurrences, occurred_at, received_at, dedup_key, first_seen_at, last_seen_at, labels,
     actions, metadata)
   select 'old-' || t, s, 'f', 'm-' || s, md5(t || '-' || (s - 1) / ${ENTRIES_OF_AN_ALERT})::uuid,
     case nth when 0 then 'raised' when 4 then 'resolved' else 'repeated' end,
     case nth when 4 then 'resolved' else 'firing' end,
     (array['urgent', 'high', 'medium', 'low'])[1 + (s - 1) / ${ENTRIES_OF_AN_ALERT} % 4],
     case nth when 4 then 'firing' end, 'alert', 'inventory', 'low_stock', 'Flour is low', 'Only 2 kg of flour are left',
     nth + 1, at, at, 'k-' || (s - 1) / ${ENTRIES_OF_AN_ALERT}, at, at, '{"shelf":"B7"}', '[]', '{"stock":2.5}'
   from generate_series(1, ${TENANTS}) t, generate_series(1, ${PER_TENANT}) s,
     lateral (select (s - 1) % ${ENTRIES_OF_AN_ALERT} as nth, now() - interval '60 days' + s * interval '10 s' as at) _`,
  `insert into tocsin.alert (tenant_id, alert_id, service, dedup_key, type, name, title, message, status, severity,
     state_at, occurrences, first_seen_at, last_seen_at, last_seq, labels, first_seq, described_seq)
   select tenant_id, alert_id, service, dedup_key, type, name, title, message, 'resolved', severity, received_at,
     ${ENTRIES_OF_AN_ALERT}, received_at, received_at, seq + 4, labels, seq, seq
   from tocsin.event where change = 'raised'`,
  // the older build planned these, and nothing sent them
  `insert into tocsin.delivery (tenant_id, seq, channel, recipient, alert_id, due_at, created_at)
   select tenant_id, first_seq, channel, 'default', alert_id, first_seen_at, first_seen_at from tocsin.alert,
     unnest(case severity when 'urgent' then array['email', 'sms', 'whatsapp'] when 'high' then array['email'] end) channel`,
  'vacuum analyze tocsin.event, tocsin.alert, tocsin.delivery',
];

const reason = OlderBuild.whyNot(OLDER);

(reason ? describe.skip : describe)(
  `migrating ${ENTRIES} entries of ${OLDER} while alerts are stored${reason ? ` (skipped: ${reason})` : ''}`,
  () => {
    let older: OlderBuild;
    let stack: Stack | undefined;
    let watcher: Watcher | undefined;
    beforeAll(async () => (older = await OlderBuild.of(OLDER)), 600_000);
    afterEach(async () => {
      await watcher?.stop();
      await stack?.close();
    }, 120_000);
    afterAll(() => older?.remove());

    it.each([
      ['with the deliveries that it planned', false],
      ['with those deliveries deleted first', true],
    ])(
      '%s',
      async (title, isEmptied) => {
        stack = await Stack.open({ tenants: { ana: [TENANT] }, migrated: false, processors: 0, gateways: 0 });
        await older.migrate(stack.environment);
        for (const statement of FILL) await stack.sql(statement);
        if (isEmptied) await stack.sql('truncate tocsin.delivery');
        await stack.startProcessor({}, older.program('alert-processor'));
        const gateway = await stack.startGateway({}, older.program('gateway'));
        watcher = await new Watcher('ana', [TENANT], () => [stack!.eventsUrl(gateway)]).start();
        const load = new SteadyLoad(stack.amqp, { tenants: [TENANT], perSecond: PER_SECOND }).start();

        const from = wallMs();
        const { commands } = commandsOf('upgrade').find((block) => block.commands.includes('npm run migrate'))!;
        await runCommands(commands, stack.environment, 600_000);
        const to = wallMs();
        await load.stop();
        // without the five million: of the tenant that was stored during the migration
        const rows = await eventually(async () => {
          const stored = await stack!.sql<StoredRow & { ms: number; sent: number }>(
            `select e.tenant_id, e.seq::int as seq, s.epoch, e.fp, e.service, e.event_id, false as is_act,
               (e.metadata ->> 'sent_at')::float8 as sent,
               extract(epoch from e.received_at)::float8 * 1000 - (e.metadata ->> 'sent_at')::float8 as ms
             from tocsin.event e join tocsin.tenant_stream s using (tenant_id) where e.tenant_id = $1 order by e.seq`,
            [TENANT],
          );
          expect(stored.length).toBeGreaterThanOrEqual(load.published.length);
          return stored;
        }, 60_000);
        await caughtUp([watcher], rows);

        const waited = rows.filter(({ sent }) => sent >= from && sent < to).map(({ ms }) => ms);
        figures(21, `migrating ${ENTRIES} entries ${title}`, {
          'migration s': (to - from) / 1_000,
          'sent during it': waited.length,
          'storing p50 ms': percentile(waited, 50),
          'storing p99 ms': percentile(waited, 99),
          'storing longest ms': isEmptied
            ? { is: percentile(waited, 100), atMost: BLOCKED_MS }
            : percentile(waited, 100),
          'publish to client longest ms': percentile(deliveryMs(watcher.entries), 100),
        });
        expect(brokenPromises({ published: load.published, histories: [rows], watchers: [watcher] })).toEqual([]);
        if (isEmptied) expect(percentile(waited, 100)).toBeLessThan(BLOCKED_MS);
      },
      limitMs(300),
    );
  },
);
