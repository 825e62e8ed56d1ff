import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { renderData, type StoredEvent } from '../event';
import type { ActReach, ActResult, AlertActs, AttemptedAct, EventLog } from '../ports';
import type { TenantId } from '../tenant';
import { ACT_RULES, ACTS, type Act, type Alert, type AlertStatus, type Entry } from '../wire';
import type { ValidMessage } from '../valid-message';
import { aPlannedEvent, aTenant } from './an-alert';
import { eventually } from './eventually';

interface OpenAlertActs {
  /** The gateway's acts. */
  acts: AlertActs;
  /** The processor's acts, which end snoozes; the same object where one process does both. */
  waking: AlertActs;
  /** The processor's event log, with the default folding. */
  log: EventLog;
  reader: EventLog;
  close(): Promise<void>;
}

/** An act with only the fields that it needs, until an hour from now where it needs a time. */
const anAct = (act: Act, by = 'ana', more: Partial<AttemptedAct> = {}): AttemptedAct => ({
  act,
  by,
  until: act === 'snooze' ? new Date(Date.now() + 3_600_000).toISOString() : null,
  assignee: null,
  note: act === 'note' ? `by ${by}` : null,
  trace_id: null,
  ...more,
});

const LATER = new Date(Date.now() + 3_600_000).toISOString();

interface ActRow {
  act: Act;
  /** Null: any. */
  when: AlertStatus[] | null;
  makes: AlertStatus | null;
}

/** The first table of the documentation page on acts: act, fields, status before, status after, undone by. */
function actsTable(): ActRow[] {
  const page = readFileSync(join(__dirname, '../../../../docs/acts.md'), 'utf8');
  const cells = page
    .split('\n')
    .filter((line) => /^\| `/.test(line))
    .map((line) =>
      line
        .split('|')
        .slice(1, -1)
        .map((cell) => cell.trim()),
    );
  const words = (cell: string) => Array.from(cell.matchAll(/`([a-z]+)`/g), ([, word]) => word as AlertStatus);
  return cells.map(([named, , when, makes]) => ({
    act: words(named!)[0] as never,
    when: when === 'any status' ? null : words(when!),
    makes: words(makes!)[0] ?? null,
  }));
}

/** What every `AlertActs` does without a fault. `open` is called once, so tests use tenants of their own. */
export function describeAlertActs(name: string, { open }: { open(): Promise<OpenAlertActs> }): void {
  describe(`${name} as what people do with alerts`, () => {
    let opened: OpenAlertActs;
    let minute: number;
    beforeAll(async () => void (opened = await open()), 60_000);
    afterAll(() => opened?.close());
    beforeEach(() => (minute = 0));

    const within = (...tenants: TenantId[]): ActReach => ({ tenants, acting: tenants });
    const entriesOf = async (tenant_id: TenantId): Promise<Entry[]> =>
      (await opened.reader.after(tenant_id, 0, 1_000)).map(({ entry }) => entry);
    /** A message of the alert's producer, each time a minute later. */
    const say = async (tenant_id: TenantId, overrides: Partial<ValidMessage> = {}) => {
      minute += 1;
      const occurred_at = new Date(Date.UTC(2026, 0, 1, 0, minute)).toISOString();
      const [result] = await opened.log.append([
        // an act continues neither the trace nor the span of the message
        aPlannedEvent(
          { tenant_id, dedup_key: 'k', occurred_at, ...overrides },
          { trace_id: 'a'.repeat(32), span_id: 'b'.repeat(16) },
        ),
      ]);
      return result!.outcome === 'stored' ? result!.event : undefined;
    };
    const raise = async (tenant_id: TenantId = aTenant(), overrides: Partial<ValidMessage> = {}) => ({
      tenant_id,
      alert_id: (await say(tenant_id, overrides))!.entry.alert_id,
    });
    const act = async (
      { tenant_id, alert_id }: { tenant_id: TenantId; alert_id: string },
      attempted: AttemptedAct,
    ): Promise<ActResult> => (await opened.acts.act(within(tenant_id), [alert_id], attempted))[0]!;

    it.each([
      ['acknowledge', 'unacknowledge', 'acknowledged'],
      ['resolve', 'reopen', 'resolved'],
      ['snooze', 'unsnooze', 'snoozed'],
    ] as const)(
      'takes %s, and %s as its inverse: each an entry with who, when and why',
      async (there, back, status) => {
        const one = await raise();
        const trace_id = '0af7651916cd43dd8448eb211c80319c';
        const first = await act(one, anAct(there, 'ana', { note: 'looking', trace_id }));
        const { alert, event } = actedIn(first);
        expect(alert).toMatchObject({
          ...one,
          status,
          actor: 'ana',
          acted_at: event.entry.received_at,
          last_seq: 2,
          occurrences: 1,
          labels: { site: 'north' },
          metadata: { stock: 2 },
        });
        expect(event.entry).toMatchObject({
          change: ACT_RULES[there].change,
          status,
          previous: { status: 'firing', severity: 'urgent' },
          severity: 'urgent',
          actor: 'ana',
          note: 'looking',
          folded: 0,
          occurrences: 1,
          occurred_at: null,
          title: alert.title,
          labels: alert.labels,
          actions: alert.actions,
          metadata: alert.metadata,
          dedup_key: 'k',
          trace_id,
          event_id: expect.stringMatching(/^[0-9a-f]{8}-[0-9a-f-]{27}$/) as string,
        });
        expect(alert.snoozed_until === null).toBe(there !== 'snooze');

        const second = actedIn(await act(one, anAct(back, 'bob')));
        expect(second.alert).toMatchObject({ status: 'firing', actor: 'bob', snoozed_until: null, last_seq: 3 });
        expect(second.event).toMatchObject({
          seq: 3,
          prev_fp: event.fp,
          entry: { change: ACT_RULES[back].change, previous: { status }, note: null, trace_id: null },
        });

        const stored = await opened.reader.after(one.tenant_id, 1, 10);
        expect(stored).toEqual([event, second.event].map(asRead));
        expect(stored.map(({ entry }) => renderData(entry))).toEqual(
          [event, second.event].map(({ entry }) => renderData(entry)),
        );
        expect((await opened.reader.heads([one.tenant_id]))[0]).toMatchObject({ seq: 3, fp: second.event.fp });
      },
    );

    it('assigns and removes an assignee, only from the expected one if it is given, and keeps the actor of the status', async () => {
      const one = await raise();
      await act(one, anAct('acknowledge', 'bob'));
      const assign = (assignee: string | null, from_assignee?: string | null) =>
        act(one, anAct('assign', 'ana', { assignee, from_assignee }));
      expect(actedIn(await assign('cleo', null))).toMatchObject({
        alert: { assignee: 'cleo', actor: 'bob', status: 'acknowledged' },
        event: { entry: { change: 'assigned', actor: 'ana', assignee: 'cleo' } },
      });
      expect(await assign('dan', null)).toMatchObject({ outcome: 'conflict', alert: { assignee: 'cleo' } });
      expect(await assign('cleo', null)).toMatchObject({ outcome: 'unchanged' });
      expect(actedIn(await assign('dan'))).toMatchObject({ alert: { assignee: 'dan' } });
      expect(actedIn(await assign(null, 'dan'))).toMatchObject({ alert: { assignee: null } });
      expect(await assign(null)).toMatchObject({ outcome: 'unchanged' });
    });

    it('assigns an alert without an assignee to the user who acknowledges it, in the same entry, and takes that back with the acknowledgement', async () => {
      const by = (user: string) => anAct('acknowledge', user, { assignee: user });
      const one = await raise();
      expect(actedIn(await act(one, by('ana')))).toMatchObject({
        alert: { status: 'acknowledged', actor: 'ana', assignee: 'ana' },
        event: { entry: { change: 'acknowledged', assignee: 'ana' } },
      });
      // a repeat, which is told as an entry, is no assignment
      await say(one.tenant_id, { severity: 'low' });
      expect(actedIn(await act(one, anAct('unacknowledge', 'bob')))).toMatchObject({
        alert: { status: 'firing', assignee: null },
        event: { entry: { change: 'unacknowledged', assignee: null } },
      });

      // an acknowledgement of another user's alert does not take it away
      await act(one, anAct('assign', 'ana', { assignee: 'cleo' }));
      expect(actedIn(await act(one, by('bob'))).alert.assignee).toBe('cleo');
      expect(actedIn(await act(one, anAct('unacknowledge', 'bob'))).alert.assignee).toBe('cleo');

      // nor does taking back an acknowledgement, where a user was assigned before or has been since
      await act(one, anAct('assign', 'ana', { assignee: 'ana' }));
      await act(one, by('ana'));
      expect(actedIn(await act(one, anAct('unacknowledge'))).alert.assignee).toBe('ana');
      await act(one, anAct('assign', 'ana', { assignee: null }));
      await act(one, by('ana'));
      await act(one, anAct('assign', 'bob', { assignee: 'cleo' }));
      expect(actedIn(await act(one, anAct('unacknowledge'))).alert.assignee).toBe('cleo');

      // an address that is no user acknowledges, and is assigned nothing
      const other = await raise();
      expect(actedIn(await act(other, anAct('acknowledge', 'email:ana@example.test'))).alert.assignee).toBeNull();
    });

    it('notes in any status, and takes the same words twice for one note', async () => {
      const one = await raise();
      for (const status of ['firing', 'acknowledged', 'resolved'] as const) {
        if (status !== 'firing') await act(one, anAct(status === 'resolved' ? 'resolve' : 'acknowledge'));
        expect(actedIn(await act(one, anAct('note', 'bob', { note: `it is ${status}` })))).toMatchObject({
          alert: { status },
          event: { entry: { change: 'noted', status, previous: { status }, actor: 'bob', note: `it is ${status}` } },
        });
      }
      await say(one.tenant_id);
      const { length } = await entriesOf(one.tenant_id);
      expect(await act(one, anAct('note', 'bob', { note: 'it is acknowledged' }))).toMatchObject({
        outcome: 'unchanged',
      });
      expect(await act(one, anAct('note', 'ana', { note: 'it is acknowledged' }))).toMatchObject({ outcome: 'acted' });
      expect(await entriesOf(one.tenant_id)).toHaveLength(length + 1);
    });

    it('accepts a repeated act of the same user while it still applies, and appends only a new note', async () => {
      const one = await raise();
      const snooze = anAct('snooze', 'ana', { note: 'tomorrow' });
      await act(one, snooze);
      await say(one.tenant_id);
      expect(await act(one, snooze)).toMatchObject({
        outcome: 'unchanged',
        alert: { status: 'snoozed', snoozed_until: snooze.until, actor: 'ana' },
      });
      expect(await entriesOf(one.tenant_id)).toHaveLength(3);
      expect(actedIn(await act(one, { ...snooze, note: 'not today' }))).toMatchObject({
        alert: { status: 'snoozed', snoozed_until: snooze.until },
        event: { entry: { change: 'noted', note: 'not today' } },
      });
      const longer = { ...snooze, until: new Date(Date.now() + 7_200_000).toISOString(), note: null };
      expect(actedIn(await act(one, longer))).toMatchObject({
        alert: { snoozed_until: longer.until },
        event: { entry: { change: 'snoozed', previous: { status: 'snoozed' } } },
      });

      await act(one, anAct('resolve'));
      expect(await act(one, anAct('resolve', 'ana'))).toMatchObject({ outcome: 'unchanged' });
      expect(await act(one, anAct('resolve', 'bob'))).toMatchObject({
        outcome: 'conflict',
        alert: { status: 'resolved', actor: 'ana' },
      });
    });

    it('is refused when the alert has another status, with the alert and the actor of that status', async () => {
      const one = await raise();
      expect(await act(one, anAct('unacknowledge'))).toMatchObject({
        outcome: 'conflict',
        alert: { status: 'firing', actor: null, acted_at: null },
      });
      await say(one.tenant_id, { status: 'resolved' });
      expect(await act(one, anAct('acknowledge'))).toMatchObject({
        outcome: 'conflict',
        alert: { status: 'resolved', actor: null, last_seq: 2 },
      });
      expect(await entriesOf(one.tenant_id)).toHaveLength(2);
    });

    it('has one winner among twenty users who do the same at once, for each of many alerts', async () => {
      const alerts = await Promise.all(Array.from({ length: 5 }, () => raise()));
      const users = Array.from({ length: 20 }, (_, index) => `user ${index}`);
      const reach = within(...alerts.map(({ tenant_id }) => tenant_id));
      const all = await Promise.all(
        users.map((by) =>
          opened.acts.act(reach, shuffled(alerts.map(({ alert_id }) => alert_id)), anAct('acknowledge', by)),
        ),
      );
      for (const { tenant_id, alert_id } of alerts) {
        const entries = await entriesOf(tenant_id);
        expect(entries.map(({ change }) => change)).toEqual(['raised', 'acknowledged']);
        const results = all.flat().filter((result) => 'alert' in result && result.alert.alert_id === alert_id) as {
          outcome: string;
          alert: Alert;
        }[];
        expect(results.map(({ outcome }) => outcome).sort()).toEqual(['acted', ...Array<string>(19).fill('conflict')]);
        for (const { alert } of results)
          expect(alert).toMatchObject({ status: 'acknowledged', actor: entries[1]!.actor });
      }
    });

    it("answers for each of many alerts in the order asked for: another tenant's is not found, one where the user only reads is forbidden", async () => {
      const [mine, read, foreign, also] = [await raise(), await raise(), await raise(), await raise()];
      const reach: ActReach = {
        tenants: [mine, read, also].map(({ tenant_id }) => tenant_id),
        acting: [mine.tenant_id, also.tenant_id, foreign.tenant_id],
      };
      await act(also, anAct('resolve', 'bob'));
      const asked = [foreign.alert_id, also.alert_id, randomUUID(), mine.alert_id.toUpperCase(), read.alert_id];
      const results = await opened.acts.act(reach, asked, anAct('acknowledge'));
      expect(results.map(({ outcome }) => outcome)).toEqual([
        'not_found',
        'conflict',
        'not_found',
        'acted',
        'forbidden',
      ]);
      expect(actedIn(results[3]!).event.tenant_id).toBe(mine.tenant_id);
      for (const { tenant_id } of [read, foreign]) expect(await entriesOf(tenant_id)).toHaveLength(1);
      expect(await opened.acts.act({ tenants: [], acting: [] }, [mine.alert_id], anAct('resolve'))).toEqual([
        { outcome: 'not_found' },
      ]);
      expect(await opened.acts.act(reach, [], anAct('resolve'))).toEqual([]);
    });

    it('tells of the repeats that were folded before it, in the words of the newest, and counts go on', async () => {
      const tenant_id = aTenant();
      const flood = Array.from({ length: 30 }, (_, at) =>
        aPlannedEvent({
          tenant_id,
          dedup_key: 'k',
          title: `message ${at}`,
          labels: { at: String(at) },
          occurred_at: `2026-01-02T03:04:${at + 10}.000Z`,
        }),
      );
      await opened.log.append(flood);
      const [{ alert_id }] = (await entriesOf(tenant_id)) as [Entry];
      const { alert, event } = actedIn(await act({ tenant_id, alert_id }, anAct('acknowledge')));
      expect(event.entry).toMatchObject({
        folded: 19,
        occurrences: 30,
        title: 'message 29',
        labels: { at: '29' },
        previous: { status: 'firing', labels: { at: '10' } },
      });
      expect(alert).toMatchObject({
        title: 'message 29',
        labels: { at: '29' },
        occurrences: 30,
        status: 'acknowledged',
      });
      expect((await opened.log.append(flood.slice(0, 2))).map(({ outcome }) => outcome)).toEqual([
        'duplicate',
        'duplicate',
      ]);

      await opened.log.append(
        Array.from({ length: 5 }, () =>
          aPlannedEvent({ tenant_id, dedup_key: 'k', occurred_at: '2026-01-02T03:05:00.000Z' }),
        ),
      );
      expect(actedIn(await act({ tenant_id, alert_id }, anAct('resolve'))).event.entry).toMatchObject({
        folded: 5,
        occurrences: 35,
      });
      const entries = await entriesOf(tenant_id);
      expect(
        entries.filter(({ actor }) => actor === null).length + entries.reduce((sum, { folded }) => sum + folded, 0),
      ).toBe(35);
    });

    it('is never refused to an alert that flaps, and links into its log', async () => {
      const one = await raise();
      let flapping = true;
      const flap = (async () => {
        for (let at = 0; flapping; at += 1)
          await say(one.tenant_id, { severity: (['low', 'urgent', 'high', 'high'] as const)[at % 4]! });
      })();
      const outcomes: string[] = [];
      for (let round = 0; round < 10; round += 1)
        for (const each of ['acknowledge', 'unacknowledge'] as const)
          outcomes.push((await act(one, anAct(each))).outcome);
      flapping = false;
      await flap;
      expect(outcomes).toEqual(Array<string>(20).fill('acted'));
      const entries = await entriesOf(one.tenant_id);
      expect(entries.map(({ seq }) => seq)).toEqual(entries.map((_, at) => at + 1));
      for (const [at, { previous }] of entries.entries())
        if (at > 0) expect(previous).toEqual({ status: entries[at - 1]!.status, severity: entries[at - 1]!.severity });
    });

    it('runs side by side with messages over the same tenants, in any order, without a deadlock or a hole', async () => {
      const alerts = await Promise.all(Array.from({ length: 6 }, () => raise()));
      const tenants = alerts.map(({ tenant_id }) => tenant_id);
      await Promise.all(
        Array.from({ length: 60 }, async (_, index) =>
          index % 2 === 0
            ? opened.log.append(shuffled([...tenants]).map((tenant_id) => aPlannedEvent({ tenant_id, dedup_key: 'k' })))
            : opened.acts.act(
                within(...shuffled([...tenants])),
                shuffled(alerts.map(({ alert_id }) => alert_id)),
                anAct(index % 4 === 1 ? 'acknowledge' : 'unacknowledge', `user ${index}`),
              ),
        ),
      );
      for (const tenant_id of tenants) {
        const stored = await opened.reader.after(tenant_id, 0, 1_000);
        expect(stored.map(({ seq }) => seq)).toEqual(stored.map((_, at) => at + 1));
      }
    });

    it('makes of any history of two users and a producer what the rules say', async () => {
      const users = fc.constantFrom('ana', 'bob');
      const acts = fc.constantFrom('acknowledge', 'unacknowledge', 'resolve', 'reopen', 'snooze', 'unsnooze');
      const step = fc.oneof(
        { weight: 3, arbitrary: fc.record({ by: users, act: acts }) },
        {
          weight: 1,
          arbitrary: fc.record({
            status: fc.constantFrom('firing', 'resolved'),
            severity: fc.constantFrom('low', 'urgent'),
          }),
        },
      );
      const until = new Date(Date.now() + 3_600_000).toISOString();
      await fc.assert(
        fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 20 }), async (steps) => {
          const one = await raise(aTenant(), { severity: 'low' });
          let status: AlertStatus = 'firing';
          let actor: string | null = null;
          let acted: string | null = null;
          for (const next of steps) {
            if ('act' in next) {
              const { from, to } = ACT_RULES[next.act];
              const stands: boolean = status === to && actor === next.by && acted === next.act;
              const expected = stands ? 'unchanged' : from!.includes(status) ? 'acted' : 'conflict';
              if (expected === 'acted') [status, actor, acted] = [to!, next.by, next.act];
              expect(
                await act(one, anAct(next.act, next.by, { until: next.act === 'snooze' ? until : null })),
              ).toMatchObject({ outcome: expected, alert: { status, actor } });
            } else {
              await say(one.tenant_id, { ...next });
              const said: AlertStatus =
                next.status === 'resolved' ? 'resolved' : status === 'resolved' ? 'firing' : status;
              if (said !== status) [status, actor] = [said, null];
            }
          }
          expect((await entriesOf(one.tenant_id)).at(-1)!.status).toBe(status);
        }),
        { numRuns: 40 },
      );
    }, 60_000);

    describe('by the table of docs/acts.md', () => {
      const rows = actsTable();

      it('which says what the rules say', () => {
        expect(Object.fromEntries(rows.map(({ act: named, when, makes }) => [named, { when, makes }]))).toEqual(
          Object.fromEntries(ACTS.map((named) => [named, { when: ACT_RULES[named].from, makes: ACT_RULES[named].to }])),
        );
      });

      const changing = rows.filter(
        (row): row is ActRow & { when: AlertStatus[]; makes: AlertStatus } => row.when !== null && row.makes !== null,
      );
      /**
       * Every way in which an alert got its status: by its producer, or by the last act of the same user or of another
       * one.
       */
      const ways = [
        ...(['firing', 'resolved'] as const).map((status) => ({ status, last: null, by: null })),
        ...changing.flatMap(({ act: last, makes }) => ['ana', 'bob'].map((by) => ({ status: makes, last, by }))),
      ];
      it.each(ways)('an alert that is $status by $last of $by', async ({ status, last, by }) => {
        for (const { act: next, when, makes } of changing) {
          const one = await raise();
          if (last === null && status === 'resolved') await say(one.tenant_id, { status });
          if (last !== null) {
            const { when: needed } = changing.find((row) => row.act === last)!;
            const way = needed.includes('firing')
              ? undefined
              : changing.find((row) => row.makes === needed[0] && row.when.includes('firing'));
            if (way) actedIn(await act(one, anAct(way.act, 'cleo')));
            actedIn(await act(one, anAct(last, by, { until: last === 'snooze' ? LATER : null })));
          }
          const expected = last === next && by === 'ana' ? 'unchanged' : when.includes(status) ? 'acted' : 'conflict';
          const result = await act(one, anAct(next, 'ana', { until: next === 'snooze' ? LATER : null }));
          expect([next, result.outcome, 'alert' in result && result.alert.status]).toEqual([
            next,
            expected,
            expected === 'acted' ? makes : status,
          ]);
        }
      });
    });

    describe('a snooze', () => {
      const soon = () => new Date(Date.now() + 300).toISOString();
      const woken = async (tenant_id: TenantId) =>
        (await opened.waking.wakeSnoozed()).filter((event) => event.tenant_id === tenant_id);

      it('ends by time: the alert fires again, without an actor, and repeats that were folded meanwhile are reported', async () => {
        const one = await raise();
        await act(one, anAct('assign', 'ana', { assignee: 'cleo' }));
        await act(one, anAct('snooze', 'ana', { until: soon() }));
        expect(await woken(one.tenant_id)).toEqual([]);
        await opened.log.append(
          Array.from({ length: 12 }, () =>
            aPlannedEvent({ tenant_id: one.tenant_id, dedup_key: 'k', occurred_at: '2026-01-02T00:00:00.000Z' }),
          ),
        );
        const before = (await opened.reader.after(one.tenant_id, 0, 100)).at(-1)!;
        const [event] = (await eventually(async () => {
          const events = await woken(one.tenant_id);
          expect(events).toHaveLength(1);
          return events;
        })) as unknown as [StoredEvent];
        expect(event.entry).toMatchObject({
          change: 'unsnoozed',
          status: 'firing',
          previous: { status: 'snoozed' },
          actor: null,
          note: null,
          snoozed_until: null,
          assignee: 'cleo',
          folded: 2,
        });
        expect(event).toMatchObject({ seq: before.seq + 1, prev_fp: before.fp });
        expect((await opened.reader.after(one.tenant_id, before.seq, 10))[0]!.entry).toEqual(event.entry);
        expect(await woken(one.tenant_id)).toEqual([]);
        expect(await act(one, anAct('unsnooze', 'bob'))).toMatchObject({
          outcome: 'conflict',
          alert: { status: 'firing', actor: null, acted_at: null },
        });
      });

      it('is ended once when several ask at once, and not at all when a person or the producer was first', async () => {
        const alerts = await Promise.all(Array.from({ length: 10 }, () => raise()));
        for (const one of alerts) await act(one, anAct('snooze', 'ana', { until: soon() }));
        await act(alerts[0]!, anAct('acknowledge'));
        await say(alerts[1]!.tenant_id, { status: 'resolved' });
        await act(alerts[2]!, anAct('snooze', 'bob'));
        await eventually(async () => {
          await Promise.all(Array.from({ length: 4 }, () => opened.waking.wakeSnoozed()));
          for (const { tenant_id } of alerts.slice(3))
            expect((await entriesOf(tenant_id)).map(({ change }) => change)).toEqual([
              'raised',
              'snoozed',
              'unsnoozed',
            ]);
        });
        for (const { tenant_id } of alerts.slice(0, 3))
          expect((await entriesOf(tenant_id)).map(({ change }) => change)).not.toContain('unsnoozed');
      });
    });
  });
}

function actedIn(result: ActResult): Extract<ActResult, { outcome: 'acted' }> {
  if (result.outcome !== 'acted') throw new Error(`expected an act, not ${JSON.stringify(result)}`);
  return result;
}

const asRead = ({ epoch, seq, fp, entry }: StoredEvent): StoredEvent => ({ epoch, seq, fp, prev_fp: null, entry });

function shuffled<T>(items: T[]): T[] {
  return items
    .map((item) => ({ item, at: Math.random() }))
    .sort((a, b) => a.at - b.at)
    .map(({ item }) => item);
}
