import type { AppendResult, EventLog } from '../../ports';
import type { AlertStatus, Change, Severity } from '../../wire';
import { aPlannedEvent, aTenant } from '../an-alert';
import { eventOf, type OpenEventLog } from './opened-log';

/** What entries say of their alert, as its messages come in. */
export function describeAlertState(opened: () => OpenEventLog): void {
  describe('the state of an alert', () => {
    let log: EventLog;
    let reader: EventLog;
    beforeAll(() => void ({ log, reader } = opened()));

    type Said = [status: 'firing' | 'resolved', severity: Severity, minute: number];
    type Became = [change: Change, status: AlertStatus, severity: Severity];
    const stories: [story: string, said: Said[], became: Became[]][] = [
      [
        'is raised and repeated',
        [
          ['firing', 'high', 1],
          ['firing', 'high', 2],
        ],
        [
          ['raised', 'firing', 'high'],
          ['repeated', 'firing', 'high'],
        ],
      ],
      [
        'goes up and down in severity',
        [
          ['firing', 'low', 1],
          ['firing', 'urgent', 2],
          ['firing', 'medium', 3],
        ],
        [
          ['raised', 'firing', 'low'],
          ['severity_raised', 'firing', 'urgent'],
          ['severity_lowered', 'firing', 'medium'],
        ],
      ],
      [
        'is resolved, keeps its severity, and is reopened with a new one',
        [
          ['firing', 'high', 1],
          ['resolved', 'low', 2],
          ['firing', 'low', 3],
        ],
        [
          ['raised', 'firing', 'high'],
          ['resolved', 'resolved', 'high'],
          ['reopened', 'firing', 'low'],
        ],
      ],
      [
        'is not reopened by a firing that is older than its resolving',
        [
          ['firing', 'high', 1],
          ['resolved', 'high', 5],
          ['firing', 'urgent', 4],
          ['firing', 'high', 6],
        ],
        [
          ['raised', 'firing', 'high'],
          ['resolved', 'resolved', 'high'],
          ['stale', 'resolved', 'urgent'],
          ['reopened', 'firing', 'high'],
        ],
      ],
      [
        'is resolved where both happened at the same time, firing last',
        [
          ['firing', 'high', 1],
          ['resolved', 'high', 2],
          ['firing', 'high', 2],
        ],
        [
          ['raised', 'firing', 'high'],
          ['resolved', 'resolved', 'high'],
          ['stale', 'resolved', 'high'],
        ],
      ],
      [
        'is resolved where both happened at the same time, resolving last',
        [
          ['firing', 'high', 2],
          ['resolved', 'high', 2],
        ],
        [
          ['raised', 'firing', 'high'],
          ['resolved', 'resolved', 'high'],
        ],
      ],
      [
        'is not resolved by a message older than its raising',
        [
          ['firing', 'high', 5],
          ['resolved', 'high', 4],
        ],
        [
          ['raised', 'firing', 'high'],
          ['stale', 'firing', 'high'],
        ],
      ],
      [
        'begins resolved when that is the first that is heard of it, and so meets its late firing',
        [
          ['resolved', 'high', 5],
          ['firing', 'high', 4],
          ['firing', 'high', 6],
        ],
        [
          ['resolved', 'resolved', 'high'],
          ['stale', 'resolved', 'high'],
          ['reopened', 'firing', 'high'],
        ],
      ],
      [
        'stays firing where a repeat was newer than the resolving that comes late',
        [
          ['firing', 'high', 1],
          ['firing', 'high', 9],
          ['resolved', 'high', 5],
        ],
        [
          ['raised', 'firing', 'high'],
          ['repeated', 'firing', 'high'],
          ['stale', 'firing', 'high'],
        ],
      ],
      [
        'keeps the severity of a repeat that was newer',
        [
          ['firing', 'high', 1],
          ['firing', 'high', 9],
          ['firing', 'low', 5],
        ],
        [
          ['raised', 'firing', 'high'],
          ['repeated', 'firing', 'high'],
          ['stale', 'firing', 'high'],
        ],
      ],
      [
        'has the higher of two severities of one time, the lower last',
        [
          ['firing', 'high', 1],
          ['firing', 'low', 1],
        ],
        [
          ['raised', 'firing', 'high'],
          ['repeated', 'firing', 'high'],
        ],
      ],
      [
        'has the higher of two severities of one time, the higher last',
        [
          ['firing', 'low', 1],
          ['firing', 'high', 1],
        ],
        [
          ['raised', 'firing', 'low'],
          ['severity_raised', 'firing', 'high'],
        ],
      ],
      [
        'has the severity of a firing that comes behind its resolving',
        [
          ['resolved', 'high', 5],
          ['firing', 'low', 4],
        ],
        [
          ['resolved', 'resolved', 'high'],
          ['stale', 'resolved', 'low'],
        ],
      ],
      [
        'does not change in severity by a message older than the last change',
        [
          ['firing', 'low', 1],
          ['firing', 'urgent', 5],
          ['firing', 'low', 3],
        ],
        [
          ['raised', 'firing', 'low'],
          ['severity_raised', 'firing', 'urgent'],
          ['stale', 'firing', 'urgent'],
        ],
      ],
    ];

    for (const together of [true, false]) {
      it.each(stories)(`%s, ${together ? 'in one batch' : 'in batches of one'}`, async (_story, said, became) => {
        const tenant_id = aTenant();
        const planned = said.map(([status, severity, minute]) =>
          aPlannedEvent({
            tenant_id,
            dedup_key: 'flour',
            status,
            severity,
            occurred_at: `2026-01-01T00:0${minute}:00.000Z`,
          }),
        );
        const results: AppendResult[] = [];
        if (together) results.push(...(await log.append(planned)));
        else for (const one of planned) results.push(...(await log.append([one])));

        const entries = results.map((result) => eventOf(result).entry);
        expect(entries.map(({ change, status, severity }) => [change, status, severity])).toEqual(became);
        expect(entries.map(({ previous }) => previous && [previous.status, previous.severity])).toEqual([
          null,
          ...became.slice(0, -1).map(([, status, severity]) => [status, severity]),
        ]);
        expect(entries.map(({ occurrences }) => occurrences)).toEqual(entries.map((_, index) => index + 1));
        expect(new Set(entries.map(({ alert_id }) => alert_id)).size).toBe(1);
        expect(new Set(entries.map(({ first_seen_at }) => first_seen_at)).size).toBe(1);
        expect((await reader.after(tenant_id, 0, 10)).map(({ entry }) => entry)).toEqual(entries);
      });
    }

    it('is named by tenant, service and key together; without a key each message is an alert of its own', async () => {
      const [one, two] = [aTenant(), aTenant()];
      const results = await log.append([
        aPlannedEvent({ tenant_id: one, dedup_key: 'k' }),
        aPlannedEvent({ tenant_id: one, dedup_key: 'k', service: 'sales' }),
        aPlannedEvent({ tenant_id: two, dedup_key: 'k' }),
        aPlannedEvent({ tenant_id: one }),
        aPlannedEvent({ tenant_id: one }),
      ]);
      expect(results.map((result) => eventOf(result).entry.change)).toEqual([
        'raised',
        'raised',
        'raised',
        'raised',
        'raised',
      ]);
      expect(new Set(results.map((result) => eventOf(result).entry.alert_id)).size).toBe(5);
    });

    it('is evolved by what is stored alone: a duplicate is no repeat', async () => {
      const tenant_id = aTenant();
      const [first, second] = [
        aPlannedEvent({ tenant_id, dedup_key: 'k' }),
        aPlannedEvent({ tenant_id, dedup_key: 'k' }),
      ];
      await log.append([first, first]);
      const results = await log.append([first, second, first]);
      expect(results.map(({ outcome }) => outcome)).toEqual(['duplicate', 'stored', 'duplicate']);
      expect(eventOf(results[1]!).entry).toMatchObject({ change: 'repeated', occurrences: 2 });
    });
  });
}
