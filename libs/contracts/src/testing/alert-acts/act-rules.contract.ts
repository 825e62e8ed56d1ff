import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { ACT_RULES, ACTS, type Act, type AlertStatus } from '../../wire';
import { aTenant } from '../an-alert';
import { actedAlerts, actedIn, anAct, type OpenAlertActs } from './opened-acts';

const LATER = new Date(Date.now() + 3_600_000).toISOString();

interface ActRow {
  act: Act;
  /** Null: any. */
  when: AlertStatus[] | null;
  makes: AlertStatus | null;
}

/** The first table of the documentation page on acts: act, fields, status before, status after, undone by. */
function actsTable(): ActRow[] {
  const page = readFileSync(join(__dirname, '../../../../../docs/acts.md'), 'utf8');
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

/** Which acts each status allows, by the rules and by their documentation. */
export function describeActRules(opened: () => OpenAlertActs): void {
  const { entriesOf, say, raise, act } = actedAlerts(opened);

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
}
