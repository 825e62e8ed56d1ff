import * as fc from 'fast-check';
import { Refused } from '../errors';
import type { ValidMessage } from '../valid-message';
import {
  entryPasses,
  FOLDING,
  renderData,
  type Folding,
  type LogPosition,
  type PlannedEvent,
  type StoredEvent,
  type StreamFilter,
} from '../event';
import { MAX_SEARCHED, type AppendResult, type EventLog } from '../ports';
import type { TenantId } from '../tenant';
import type { AlertStatus, Change, Severity } from '../wire';
import { aPlannedEvent, aTenant } from './an-alert';
import { eventually } from './eventually';

/** A folding window that is short enough for a test to wait for its end. */
export const FOLDS: Folding = { after: 3, windowMs: 1_500 };

interface OpenEventLog {
  /** The processor's event log, with the default folding. */
  log: EventLog;
  /** The same with `FOLDS`. */
  folding: EventLog;
  /** The gateway's event log; the same object where one process does both. */
  reader: EventLog;
  close(): Promise<void>;
}

/** What every `EventLog` does without a fault. `open` is called once, so tests use tenants of their own. */
export function describeEventLog(name: string, { open }: { open(): Promise<OpenEventLog> }): void {
  describe(`${name} as the log`, () => {
    let opened: OpenEventLog | undefined;
    let log: EventLog;
    let reader: EventLog;
    beforeAll(async () => {
      opened = await open();
      ({ log, reader } = opened);
    }, 60_000);
    afterAll(() => opened?.close());

    describe('storing', () => {
      it('numbers each tenant 1, 2, 3 in the order of the batch, and returns the stored entries', async () => {
        const [one, two] = [aTenant(), aTenant()];
        const results = await log.append([one, two, one, one, two].map((tenant_id) => aPlannedEvent({ tenant_id })));
        const stored = results.map(eventOf);
        expect(stored.map(({ entry, seq }) => [entry.tenant_id, entry.seq, seq])).toEqual([
          [one, 1, 1],
          [two, 1, 1],
          [one, 2, 2],
          [one, 3, 3],
          [two, 2, 2],
        ]);

        const more = await log.append([aPlannedEvent({ tenant_id: two })]);
        expect(eventOf(more[0]!).seq).toBe(3);
        expect(await reader.after(one, 0, 10)).toEqual([stored[0], stored[2], stored[3]].map(asRead));
        expect(await reader.after(two, 0, 10)).toEqual([stored[1], stored[4], eventOf(more[0]!)].map(asRead));
      });

      it('links each entry that it stores to the one before it', async () => {
        const tenant_id = aTenant();
        const stored: StoredEvent[] = [];
        for (const size of [1, 3, 2]) {
          const batch = Array.from({ length: size }, () => [
            aPlannedEvent({ tenant_id }),
            aPlannedEvent({ tenant_id: aTenant() }),
          ]).flat();
          stored.push(...(await log.append(batch)).map(eventOf).filter(({ entry }) => entry.tenant_id === tenant_id));
        }
        expect(stored.map(({ prev_fp }) => prev_fp)).toEqual(['0', ...stored.slice(0, -1).map(({ fp }) => fp)]);
      });

      it('keeps every field as it came, and the trace', async () => {
        const tenant_id = aTenant();
        const planned = aPlannedEvent(
          {
            tenant_id,
            id: 'order 66',
            type: 'recommendation',
            service: 'sales.eu',
            severity: 'medium',
            title: "Größe 🥐 '; --",
            message: 'two\nlines\tand a tab',
            dedup_key: 'k',
            labels: { b: '1', a: '' },
            actions: [{ label: 'Go', name: 'go' }],
          },
          { trace_id: '0af7651916cd43dd8448eb211c80319c' },
        );
        await log.append([planned]);
        const [{ entry }] = (await reader.after(tenant_id, 0, 1)) as [StoredEvent];
        const { message } = planned;
        expect(entry).toMatchObject({
          event_id: 'order 66',
          type: 'recommendation',
          service: 'sales.eu',
          severity: 'medium',
          title: message.title,
          message: message.message,
          name: 'low_stock',
          dedup_key: 'k',
          labels: message.labels,
          actions: message.actions,
          metadata: message.metadata,
          occurred_at: message.occurred_at,
          trace_id: '0af7651916cd43dd8448eb211c80319c',
          change: 'raised',
          status: 'firing',
          previous: null,
          occurrences: 1,
          folded: 0,
          assignee: null,
          snoozed_until: null,
          actor: null,
          note: null,
        });
        expect(Object.keys(entry.labels)).toEqual(['b', 'a']);
        expect(entry.received_at).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
        expect([entry.first_seen_at, entry.last_seen_at]).toEqual([entry.received_at, entry.received_at]);
      });

      it('stores nothing of an empty batch', async () => {
        expect(await log.append([])).toEqual([]);
      });

      it('answers a message that it has already with its position, in a later batch and in the same one', async () => {
        const tenant_id = aTenant();
        const first = aPlannedEvent({ tenant_id });
        const [stored, twin] = await log.append([first, first]);
        const { epoch, seq, fp } = eventOf(stored!);
        const duplicate: AppendResult = { outcome: 'duplicate', tenant_id, position: { epoch, seq, fp } };
        expect(twin).toEqual(duplicate);

        const later = await log.append([aPlannedEvent({ tenant_id }), first, first]);
        expect(later.map(({ outcome }) => outcome)).toEqual(['stored', 'duplicate', 'duplicate']);
        expect(later.slice(1)).toEqual([duplicate, duplicate]);
        expect(await numbers(reader, tenant_id)).toEqual([1, 2]);
      });

      it('takes a message for the same one when its hash was made in another way, as before an upgrade', async () => {
        const tenant_id = aTenant();
        const before = aPlannedEvent({ tenant_id }, { body_hash: 'made-before-the-upgrade' });
        const after = { ...before, body_hash: '2.made-after-the-upgrade' };
        expect((await log.append([before])).map(({ outcome }) => outcome)).toEqual(['stored']);
        expect((await log.append([after, before])).map(({ outcome }) => outcome)).toEqual(['duplicate', 'duplicate']);
        const fresh = aPlannedEvent({ tenant_id }, { body_hash: '2.fresh' });
        expect(
          (await log.append([fresh, { ...fresh, body_hash: '2.another-body' }])).map(({ outcome }) => outcome),
        ).toEqual(['stored', 'conflict']);
        expect(
          (
            await log.append([
              { ...fresh, body_hash: '2.another-body' },
              { ...fresh, body_hash: 'by-an-old-processor' },
            ])
          ).map(({ outcome }) => outcome),
        ).toEqual(['conflict', 'duplicate']);
      });

      it('finds a conflict where the same id comes with another body, in a later batch and in the same one', async () => {
        const tenant_id = aTenant();
        const first = aPlannedEvent({ tenant_id, id: 'same' }, { body_hash: 'one' });
        const other = aPlannedEvent({ tenant_id, id: 'same', title: 'another' }, { body_hash: 'two' });
        expect((await log.append([first, other])).map(({ outcome }) => outcome)).toEqual(['stored', 'conflict']);
        expect((await log.append([other, first, other])).map(({ outcome }) => outcome)).toEqual([
          'conflict',
          'duplicate',
          'conflict',
        ]);
        expect(await numbers(reader, tenant_id)).toEqual([1]);
      });

      it('takes one id of two services, or of two tenants, for two messages', async () => {
        const [one, two] = [aTenant(), aTenant()];
        const results = await log.append([
          aPlannedEvent({ tenant_id: one, id: 'x', service: 'sales' }),
          aPlannedEvent({ tenant_id: one, id: 'x', service: 'inventory' }),
          aPlannedEvent({ tenant_id: two, id: 'x', service: 'sales' }),
        ]);
        expect(results.map(({ outcome }) => outcome)).toEqual(['stored', 'stored', 'stored']);
        expect(new Set(results.map((result) => eventOf(result).entry.alert_id)).size).toBe(3);
      });

      it('stores all of a batch or nothing', async () => {
        const tenant_id = aTenant();
        const unstorable = aPlannedEvent({ tenant_id, title: 'a NUL: \0' });
        const refused = await log
          .append([aPlannedEvent({ tenant_id }), unstorable, aPlannedEvent({ tenant_id })])
          .catch((error: unknown) => error);
        expect(refused).toBeInstanceOf(Refused);
        expect((refused as Refused).code).toBe('store_failed');
        expect(await reader.after(tenant_id, 0, 10)).toEqual([]);
        expect(eventOf((await log.append([aPlannedEvent({ tenant_id })]))[0]!).seq).toBe(1);
      });

      it('renders the same bytes from the results of append and from a later read, for any content', async () => {
        const tenant_id = aTenant();
        const odd = [
          '{"huge":1e400,"less":-1e400,"zero":-0,"10":1,"9":2,"b":3,"a":4,"__proto__":{"x":1},"toJSON":1,"":null}',
          '{"e":1e21,"f":0.1,"g":1e-7,"h":123456789012345678901234567890}',
        ];
        const json = fc.dictionary(
          fc.string({ unit: 'grapheme' }),
          fc.jsonValue({ maxDepth: 4, stringUnit: 'grapheme' }),
        );
        const metadata = fc.oneof(
          fc.constantFrom(...odd).map((text) => JSON.parse(text) as Record<string, unknown>),
          json,
        );
        const labels = fc.dictionary(
          fc.oneof(fc.string({ unit: 'grapheme' }), fc.constantFrom('__proto__', '10', '9')),
          fc.string({ unit: 'grapheme' }),
        );
        const text = fc.string({ unit: 'grapheme', minLength: 1 });
        await fc.assert(
          fc.asyncProperty(
            fc.array(fc.record({ metadata, labels, title: text, message: text }), { minLength: 1, maxLength: 20 }),
            async (messages) => {
              const results = await log.append(messages.map((message) => aPlannedEvent({ tenant_id, ...message })));
              const given = results.map((result) => renderData(eventOf(result).entry));
              const read = await reader.after(tenant_id, eventOf(results[0]!).seq - 1, messages.length);
              expect(read.map(({ entry }) => renderData(entry))).toEqual(given);
            },
          ),
          { numRuns: 30 },
        );
      });

      it('lets batches over the same tenants run side by side, without a hole, a twin or a deadlock', async () => {
        const tenants = Array.from({ length: 12 }, () => aTenant());
        const twice = Array.from({ length: 40 }, (_, index) => aPlannedEvent({ tenant_id: tenants[index % 12] }));
        const batchOf = (lane: number, round: number): PlannedEvent[] =>
          shuffled([
            ...tenants.map((tenant_id) => aPlannedEvent({ tenant_id, dedup_key: `key ${round % 3}` })),
            twice[(lane * 7 + round) % 40]!,
          ]).slice(0, 8);
        const outcomes = await Promise.all(
          Array.from({ length: 8 }, async (_, lane) => {
            const mine: AppendResult[] = [];
            for (let round = 0; round < 10; round += 1) mine.push(...(await log.append(batchOf(lane, round))));
            return mine;
          }),
        );
        const stored = outcomes
          .flat()
          .filter(({ outcome }) => outcome === 'stored')
          .map(eventOf);
        for (const tenant of tenants) {
          const own = stored.filter(({ entry }) => entry.tenant_id === tenant).map(({ seq }) => seq);
          expect(own.sort((a, b) => a - b)).toEqual(own.map((_, index) => index + 1));
          expect(await numbers(reader, tenant)).toEqual(own);
        }
        expect(outcomes.flat().map(({ outcome }) => outcome)).not.toContain('conflict');
        expect(new Set(stored.map(({ entry }) => entry.event_id)).size).toBe(stored.length);
      });
    });

    describe('the state of an alert', () => {
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

    describe('folding', () => {
      /** Messages of one alert: the first raises it, the others repeat it. */
      const repeats = (tenant_id: TenantId, count: number, overrides: Partial<ValidMessage> = {}) =>
        Array.from({ length: count }, () => aPlannedEvent({ tenant_id, dedup_key: 'flood', ...overrides }));
      const told = (entries: { folded: number }[]) => entries.reduce((sum, { folded }) => sum + folded, 0);
      const entriesOf = async (tenant_id: TenantId) =>
        (await reader.after(tenant_id, 0, 1000)).map(({ entry }) => entry);
      /**
       * Appends due entries until none is left, and returns this tenant's. Other tenants' entries may be appended too.
       */
      const flushed = (tenant_id: TenantId) =>
        eventually(async () => {
          const own = (await opened!.folding.appendFolded()).filter((event) => event.tenant_id === tenant_id);
          expect(own.length).toBeGreaterThan(0);
          return own;
        });
      let folding: EventLog;
      beforeAll(() => (folding = opened!.folding));

      for (const [how, size] of [
        ['one batch', 500],
        ['batches of 3', 3],
        ['batches of 1', 1],
      ] as const) {
        it(`gives the first ${FOLDING.after} repeats within a window an entry each, and the rest none, in ${how}`, async () => {
          const tenant_id = aTenant();
          const planned = repeats(tenant_id, 30);
          const results: AppendResult[] = [];
          for (let at = 0; at < planned.length; at += size)
            results.push(...(await log.append(planned.slice(at, at + size))));
          expect(results.map(({ outcome }) => outcome)).toEqual([
            ...Array<string>(1 + FOLDING.after).fill('stored'),
            ...Array<string>(29 - FOLDING.after).fill('folded'),
          ]);
          expect(
            (await entriesOf(tenant_id)).map(({ seq, change, folded, occurrences }) => [
              seq,
              change,
              folded,
              occurrences,
            ]),
          ).toEqual(
            Array.from({ length: 1 + FOLDING.after }, (_, at) => [at + 1, at === 0 ? 'raised' : 'repeated', 0, at + 1]),
          );
        });
      }

      it('counts the folded ones once, with the next entry of the alert of any kind', async () => {
        const tenant_id = aTenant();
        await log.append(repeats(tenant_id, 20));
        const next = [
          ...(await log.append(repeats(tenant_id, 1, { severity: 'low', occurred_at: '2026-01-02T04:00:00.000Z' }))),
          ...(await log.append(repeats(tenant_id, 4, { severity: 'low', occurred_at: '2026-01-02T04:00:01.000Z' }))),
          ...(await log.append(repeats(tenant_id, 1, { status: 'resolved', occurred_at: '2026-01-02T05:00:00.000Z' }))),
          ...(await log.append(repeats(tenant_id, 1, { occurred_at: '2026-01-02T04:30:00.000Z' }))),
        ];
        expect(
          next.map((result) =>
            result.outcome === 'stored'
              ? [result.event.entry.change, result.event.entry.folded, result.event.entry.occurrences]
              : result.outcome,
          ),
        ).toEqual([
          ['severity_lowered', 19 - FOLDING.after, 21],
          'folded',
          'folded',
          'folded',
          'folded',
          ['resolved', 4, 26],
          ['stale', 0, 27],
        ]);
        const entries = await entriesOf(tenant_id);
        expect(entries.length + told(entries)).toBe(27);
      });

      it('makes the newest folded repeat an entry at the end of its window, which counts the others, and appends it once', async () => {
        const tenant_id = aTenant();
        const planned = repeats(tenant_id, 20);
        Object.assign(planned.at(-1)!.message, {
          title: 'Flour is out',
          labels: { shelf: '9' },
          occurred_at: '2026-01-03T00:00:00.000Z',
        });
        const before = (await folding.append(planned)).filter(({ outcome }) => outcome === 'stored').map(eventOf);
        const appended = await flushed(tenant_id);
        expect(appended).toHaveLength(1);
        const [{ tenant_id: ofTenant, ...event }] = appended as [(typeof appended)[number]];
        const { message } = planned.at(-1)!;
        expect(ofTenant).toBe(tenant_id);
        expect(event).toMatchObject({
          seq: 2 + FOLDS.after,
          epoch: before[0]!.epoch,
          prev_fp: before.at(-1)!.fp,
          fp: expect.stringMatching(/^[a-z2-7]{8}$/) as string,
        });
        expect(event.entry).toMatchObject({
          event_id: message.id,
          alert_id: before[0]!.entry.alert_id,
          change: 'repeated',
          status: 'firing',
          severity: 'urgent',
          previous: { status: 'firing', severity: 'urgent', labels: { site: 'north' } },
          title: 'Flour is out',
          labels: { shelf: '9' },
          metadata: message.metadata,
          occurred_at: message.occurred_at,
          dedup_key: 'flood',
          occurrences: 20,
          folded: 18 - FOLDS.after,
        });
        const read = await reader.after(tenant_id, 0, 100);
        expect(read.at(-1)).toEqual(asRead(event));
        expect(renderData(read.at(-1)!.entry)).toBe(renderData(event.entry));
        expect(read.length + told(read.map(({ entry }) => entry))).toBe(20);
        expect((await reader.heads([tenant_id]))[0]).toMatchObject({ seq: event.seq, fp: event.fp });
        expect((await folding.appendFolded()).filter((again) => again.tenant_id === tenant_id)).toEqual([]);

        // afterwards a new window begins, in which the first repeats get entries again
        const more = await folding.append(repeats(tenant_id, 1, { occurred_at: '2026-01-03T00:00:01.000Z' }));
        expect(eventOf(more[0]!)).toMatchObject({
          prev_fp: event.fp,
          entry: { change: 'repeated', folded: 0, occurrences: 21, title: 'Flour is running low' },
        });
      });

      it('appends it once when several ask at once', async () => {
        const tenants = Array.from({ length: 10 }, () => aTenant());
        await folding.append(tenants.flatMap((tenant_id) => repeats(tenant_id, 20)));
        await eventually(async () => {
          await Promise.all(Array.from({ length: 4 }, () => folding.appendFolded()));
          for (const tenant_id of tenants) expect(await entriesOf(tenant_id)).toHaveLength(2 + FOLDS.after);
        });
        for (const tenant_id of tenants) {
          const entries = await entriesOf(tenant_id);
          expect(entries.map(({ seq }) => seq)).toEqual(entries.map((_, at) => at + 1));
          expect(entries.length + told(entries)).toBe(20);
        }
      });

      it('answers a folded message that comes again as a duplicate without a position, until it has become an entry; another body is a conflict', async () => {
        const tenant_id = aTenant();
        const planned = repeats(tenant_id, 15);
        await folding.append(planned);
        const last = planned.at(-1)!;
        const again: AppendResult = { outcome: 'duplicate', tenant_id, position: null };
        expect(await folding.append([last, last, planned[13]!])).toEqual([again, again, again]);
        expect(await folding.append([{ ...last, body_hash: 'another' }])).toEqual([{ outcome: 'conflict' }]);
        const fresh = repeats(tenant_id, 1)[0]!;
        expect(await folding.append([fresh, fresh, { ...fresh, body_hash: 'another' }])).toEqual([
          { outcome: 'folded' },
          again,
          { outcome: 'conflict' },
        ]);

        const { epoch, seq, fp } = (await flushed(tenant_id))[0]!;
        expect(await folding.append([fresh, last])).toEqual([
          { outcome: 'duplicate', tenant_id, position: { epoch, seq, fp } },
          again,
        ]);
        const entries = await entriesOf(tenant_id);
        expect(entries.length + told(entries)).toBe(16);
      });

      it('leaves alone what changes something, what is stale, and other alerts', async () => {
        const tenant_id = aTenant();
        await log.append(repeats(tenant_id, 20));
        const results = await log.append([
          ...repeats(tenant_id, 3, { occurred_at: '2025-12-31T00:00:00.000Z' }),
          ...repeats(tenant_id, 2, { dedup_key: 'another' }),
          ...repeats(tenant_id, 2, { service: 'sales' }),
          ...repeats(tenant_id, 2, { dedup_key: undefined }),
          ...(['low', 'high', 'low', 'high'] as const).flatMap((severity, at) =>
            repeats(tenant_id, 1, { severity, occurred_at: `2026-01-02T04:00:0${at}.000Z` }),
          ),
        ]);
        expect(results.map(({ outcome }) => outcome)).toEqual(results.map(() => 'stored'));
        expect(results.slice(0, 3).map((result) => eventOf(result).entry.folded)).toEqual([19 - FOLDING.after, 0, 0]);
      });
    });

    describe('reading', () => {
      it('gives the entries behind a number, at most as many as asked for', async () => {
        const tenant_id = aTenant();
        await log.append(Array.from({ length: 7 }, () => aPlannedEvent({ tenant_id })));
        expect(await numbers(reader, tenant_id, 0, 3)).toEqual([1, 2, 3]);
        expect(await numbers(reader, tenant_id, 3, 3)).toEqual([4, 5, 6]);
        expect(await numbers(reader, tenant_id, 6, 3)).toEqual([7]);
        expect(await numbers(reader, tenant_id, 7, 3)).toEqual([]);
        expect(await reader.after(aTenant(), 0, 3)).toEqual([]);
      });

      it('tells the heads in the order asked for, and opens a log for a tenant that has none', async () => {
        const [fresh, used] = [aTenant(), aTenant()];
        const results = await log.append([aPlannedEvent({ tenant_id: used }), aPlannedEvent({ tenant_id: used })]);
        const heads = await reader.heads([fresh, used]);
        const { epoch, seq, fp } = eventOf(results[1]!);
        expect(heads).toEqual([
          { tenant_id: fresh, epoch: expect.stringMatching(/^[a-z0-9]+$/) as string, seq: 0, fp: '0', floor_seq: 0 },
          { tenant_id: used, epoch, seq, fp, floor_seq: 0 },
        ]);
        expect(await reader.heads([used, fresh])).toEqual([heads[1], heads[0]]);
        expect(await reader.heads([])).toEqual([]);
        const [first] = await log.append([aPlannedEvent({ tenant_id: fresh })]);
        expect(eventOf(first!)).toMatchObject({ epoch: heads[0]!.epoch, seq: 1 });
        expect(new Set([epoch, heads[0]!.epoch]).size).toBe(2);
      });

      it('draws another fp for every entry, fit for a cursor', async () => {
        const tenant_id = aTenant();
        await log.append(Array.from({ length: 200 }, () => aPlannedEvent({ tenant_id })));
        const fps = (await reader.after(tenant_id, 0, 200)).map(({ fp }) => fp);
        expect(new Set(fps).size).toBe(200);
        for (const fp of fps) expect(fp).toMatch(/^[a-z2-7]{8}$/);
      });

      const wanting = (passes: Partial<StreamFilter> = {}): StreamFilter => ({
        severity: null,
        type: null,
        service: null,
        name: null,
        labels: null,
        ...passes,
      });
      const positionOf = ({ epoch, seq, fp }: LogPosition): LogPosition => ({ epoch, seq, fp });

      it('gives the newest entries that pass, in order, with the position before them and the head', async () => {
        const tenant_id = aTenant();
        const planned = (['urgent', 'low', 'urgent', 'low', 'low'] as const).map((severity, index) =>
          aPlannedEvent({
            tenant_id,
            severity,
            service: index === 4 ? 'sales' : 'inventory',
            labels: index === 1 ? { site: 'north', "it's": '{"a"}' } : { site: 'south' },
          }),
        );
        const stored = (await log.append(planned)).map(eventOf);
        const read = await reader.after(tenant_id, 0, 10);
        const origin: LogPosition = { epoch: stored[0]!.epoch, seq: 0, fp: '0' };
        const rows: [number, Partial<StreamFilter>, number[]][] = [
          [0, {}, []],
          [1, {}, [5]],
          [3, {}, [3, 4, 5]],
          [5, {}, [1, 2, 3, 4, 5]],
          [99, {}, [1, 2, 3, 4, 5]],
          [1, { severity: ['urgent'] }, [3]],
          [2, { severity: ['urgent'] }, [1, 3]],
          [9, { severity: ['urgent'] }, [1, 3]],
          [1, { severity: ['low'], service: ['inventory'] }, [4]],
          [2, { severity: ['low'], service: ['inventory'] }, [2, 4]],
          [5, { severity: ['medium'] }, []],
          [5, { type: ['recommendation'] }, []],
          [1, { labels: { site: 'north' } }, [2]],
          [1, { labels: { site: 'north', "it's": '{"a"}' } }, [2]],
          [2, { labels: { site: 'south' }, severity: ['low'] }, [4, 5]],
          [5, { labels: { site: 'north', other: 'x' } }, []],
        ];
        for (const [count, passes, seqs] of rows) {
          const newest = await reader.newest(tenant_id, count, wanting(passes));
          expect({ count, passes, seqs: newest.events.map(({ seq }) => seq) }).toEqual({ count, passes, seqs });
          expect(newest.events).toEqual(seqs.map((seq) => read[seq - 1]));
          const [first] = seqs;
          expect(newest).toMatchObject({
            from: first === undefined ? newest.upTo : first === 1 ? origin : positionOf(read[first - 2]!),
            upTo: positionOf(read[4]!),
            searched: null,
          });
        }
      });

      it('counts an entry as passing when its alert matched the filter only before it', async () => {
        const tenant_id = aTenant();
        await log.append(
          (['urgent', 'low'] as const).map((severity, index) =>
            aPlannedEvent({ tenant_id, severity, dedup_key: 'k', occurred_at: `2026-01-01T00:00:0${index}.000Z` }),
          ),
        );
        expect(
          (await reader.newest(tenant_id, 1, wanting({ severity: ['urgent'] }))).events.map(({ seq }) => seq),
        ).toEqual([2]);
      });

      it(`looks at ${MAX_SEARCHED} entries and no more, and says so when older ones may pass`, async () => {
        const tenant_id = aTenant();
        const urgent = (count: number) =>
          Array.from({ length: count }, () => aPlannedEvent({ tenant_id, severity: 'urgent' }));
        const low = (count: number) =>
          Array.from({ length: count }, () => aPlannedEvent({ tenant_id, severity: 'low' }));
        await log.append(urgent(2));
        for (let stored = 0; stored < MAX_SEARCHED - 1;) {
          const count = Math.min(1_000, MAX_SEARCHED - 1 - stored);
          await log.append(low(count));
          stored += count;
        }
        const found = async (count: number, severity: string) => {
          const { events, searched } = await reader.newest(tenant_id, count, wanting({ severity: [severity] }));
          return { seqs: events.map(({ seq }) => seq), searched };
        };
        // the second of the two is the last one that is searched
        expect(await found(1, 'urgent')).toEqual({ seqs: [2], searched: null });
        expect(await found(2, 'urgent')).toEqual({ seqs: [2], searched: MAX_SEARCHED });
        expect((await found(500, 'low')).searched).toBeNull();
        await log.append(low(1));
        expect(await found(1, 'urgent')).toEqual({ seqs: [], searched: MAX_SEARCHED });
      }, 120_000);

      it('tells what an alert was before, where that is another, and starts behind what passes on one of the two sides', async () => {
        const tenant_id = aTenant();
        const said: Partial<ValidMessage>[] = [
          { type: 'notification', name: 'cold', labels: { site: 'south' }, severity: 'urgent' },
          { type: 'alert', name: 'cold', labels: { site: 'south' }, severity: 'urgent' },
          { type: 'alert', name: undefined, labels: { site: 'north' }, severity: 'low' },
          { type: 'alert', name: 'warm', labels: { site: 'north' }, severity: 'low' },
        ];
        for (const [second, message] of said.entries()) {
          await log.append([
            aPlannedEvent({ tenant_id, dedup_key: 'k', ...message, occurred_at: `2026-01-01T00:00:0${second}.000Z` }),
          ]);
        }
        const entries = await reader.after(tenant_id, 0, 10);
        const same = { status: 'firing' as const };
        expect(entries.map(({ entry }) => entry.previous)).toEqual([
          null,
          { ...same, severity: 'urgent', type: 'notification' },
          { ...same, severity: 'urgent', labels: { site: 'south' } },
          { ...same, severity: 'low', name: 'cold' },
        ]);
        const found = async (filter: Partial<StreamFilter>) => {
          const newest = entries.filter(({ entry }) => entryPasses(wanting(filter), entry)).map(({ seq }) => seq);
          const seqs = (await reader.newest(tenant_id, 10, wanting(filter))).events.map(({ seq }) => seq);
          expect([filter, seqs]).toEqual([filter, newest]);
          return seqs;
        };
        expect((await found({ labels: { site: 'south' } })).at(-1)).toBe(3);
        expect((await found({ type: ['notification'] })).at(-1)).toBe(2);
        expect((await found({ severity: ['urgent'], labels: { site: 'south' } })).at(-1)).toBe(3);
        expect((await found({ severity: ['urgent'], labels: { site: 'north' } })).at(-1)).toBe(undefined);
        expect((await found({ name: ['cold'], severity: ['urgent'] })).at(-1)).toBe(3);
        expect((await found({ name: ['warm'] })).at(-1)).toBe(4);
        expect((await found({ name: ['cold'], labels: { site: 'north' }, severity: ['urgent'] })).at(-1)).toBe(
          undefined,
        );
      });

      it('starts at a time, with the position of the entry before it', async () => {
        const tenant_id = aTenant();
        for (let batch = 0; batch < 5; batch += 1) {
          await log.append([aPlannedEvent({ tenant_id }), aPlannedEvent({ tenant_id })]);
          await new Promise((resolve) => setTimeout(resolve, 2)); // receive times differ by at least a millisecond
        }
        const stored = await reader.after(tenant_id, 0, 10);
        for (const index of [2, 4, 6, 8]) {
          const { epoch, seq, fp } = stored[index - 1]!;
          expect(await reader.startOf(tenant_id, new Date(stored[index]!.entry.received_at))).toEqual({
            epoch,
            seq,
            fp,
          });
        }
        const head = { epoch: stored[9]!.epoch, seq: 10, fp: stored[9]!.fp };
        expect(await reader.startOf(tenant_id, new Date(Date.now() + 3_600_000))).toEqual(head);
        expect(await reader.startOf(tenant_id, new Date(0))).toEqual({ epoch: head.epoch, seq: 0, fp: '0' });
      });

      it('starts at position 0 of a tenant that has no log yet', async () => {
        const tenant = aTenant();
        const newest = await reader.newest(tenant, 5, wanting());
        const origin = { epoch: (await reader.heads([tenant]))[0]!.epoch, seq: 0, fp: '0' };
        expect(newest).toEqual({ events: [], from: origin, upTo: origin, searched: null });
        expect(await reader.startOf(tenant, new Date(0))).toEqual(origin);
      });
    });

    it('takes dead letters with and without a tenant, with any bytes, and none', async () => {
      const body = Buffer.from([0, 255, 0xc3]);
      await log.bury([
        { tenant_id: aTenant(), reason: 'invalid_field', detail: 'quotes a NUL: \0', body, routing_key: 'a.b.c\0' },
        { tenant_id: null, reason: 'invalid_json', detail: '', body: Buffer.alloc(0), routing_key: null },
      ]);
      await log.bury([]);
    });
  });
}

function eventOf(result: AppendResult): StoredEvent {
  if (result.outcome !== 'stored') throw new Error(`expected a stored event, not a ${result.outcome}`);
  return result.event;
}

/** An entry that was read does not name its predecessor, because that was read too. */
const asRead = (event: StoredEvent | undefined) => ({ ...event, prev_fp: null });

const numbers = async (
  log: EventLog,
  tenant: StoredEvent['entry']['tenant_id'],
  seq = 0,
  limit = 1000,
): Promise<number[]> => (await log.after(aTenant(tenant), seq, limit)).map((event) => event.seq);

/** Fisher-Yates: every order is equally likely. */
function shuffled<T>(items: T[]): T[] {
  for (let last = items.length - 1; last > 0; last -= 1) {
    const other = Math.floor(Math.random() * (last + 1));
    [items[last], items[other]] = [items[other]!, items[last]!];
  }
  return items;
}
