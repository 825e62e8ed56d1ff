import * as fc from 'fast-check';
import { renderData, type PlannedEvent, type TenantId, type Alert, type Entry } from '@tocsin/contracts';
import type { AlertQueries, AppendResult, EventLog } from '@tocsin/contracts/ports';
import { aTenant, eventually } from '@tocsin/contracts/testing';
import { asSaid } from '../published-form';
import { parseAlertMessage } from '../parse-alert-message';

interface OpenNewestWord {
  log: EventLog;
  /** The same, but it folds the second repeat within a window that is short enough for a test. */
  folding: EventLog;
  reader: EventLog;
  queries: AlertQueries;
  /** How many orders and mixes of messages are tried. */
  runs: number;
  close(): Promise<void>;
}

type Body = Record<string, unknown>;

const at = (second: number) => `2026-01-02T03:04:${String(second).padStart(2, '0')}.000Z`;

/** Plans a message as a queue delivers it, unless `by` says that it came by HTTP first. */
function planned(tenant_id: TenantId, body: Body, by: 'amqp' | 'http' = 'amqp'): PlannedEvent {
  const read = (value: object, judgement: 'strict' | 'lenient') => {
    const parsed = parseAlertMessage(Buffer.from(JSON.stringify(value)), {}, judgement);
    if (!parsed.ok) throw new Error(JSON.stringify(parsed.errors));
    return parsed;
  };
  const whole = { tenant_id, service: 'ovens', dedup_key: 'k', severity: 'high', ...body };
  const { message, body_hash } = read(by === 'http' ? asSaid(read(whole, 'strict').message) : whole, 'lenient');
  return { message, body_hash, trace_id: null, deliveries: [{ channel: 'email', recipient: 'default' }] };
}

/** The state of an alert is its producer's newest message. `open` is called once, so tests use tenants of their own. */
export function describeNewestWord(name: string, { open }: { open(): Promise<OpenNewestWord> }): void {
  describe(`${name} knows the newest word of a producer`, () => {
    let opened: OpenNewestWord;
    beforeAll(async () => void (opened = await open()), 60_000);
    afterAll(() => opened?.close());

    const alertOf = async (tenant: TenantId): Promise<Alert> => {
      const everything = {
        status: null,
        severity: null,
        service: null,
        notService: [],
        type: null,
        name: null,
        assignee: null,
        labels: {},
        from: null,
        to: null,
        words: [],
      };
      const { alerts } = await opened.queries.list([tenant], {
        ...everything,
        order: 'newest',
        after: null,
        limit: 10,
      });
      expect(alerts).toHaveLength(1);
      return alerts[0]!;
    };
    const entriesOf = async (tenant: TenantId): Promise<Entry[]> =>
      (await opened.reader.after(tenant, 0, 1000)).map(({ entry }) => entry);
    const wordsOf = ({ type, name: called, title, message, labels, actions, metadata }: Alert | Entry) => ({
      type,
      name: called,
      title,
      message,
      labels,
      actions,
      metadata,
    });

    /** Stores them in batches of these sizes and reports each outcome: the change, or why there was none. */
    async function store(
      log: EventLog,
      events: readonly PlannedEvent[],
      sizes: readonly number[] = [1],
    ): Promise<string[]> {
      const results: AppendResult[] = [];
      for (let from = 0, turn = 0; from < events.length; turn += 1) {
        const size = sizes[turn % sizes.length]!;
        results.push(...(await log.append(events.slice(from, from + size))));
        from += size;
      }
      return results.map((result) => (result.outcome === 'stored' ? result.event.entry.change : result.outcome));
    }

    /** Checks that the results of `append`, the stored entries, the list and the alert itself agree. */
    async function expectOneVoice(tenant: TenantId, stored: readonly AppendResult[] = []): Promise<void> {
      const [alert, entries] = [await alertOf(tenant), await entriesOf(tenant)];
      const newest = entries.at(-1)!;
      expect(wordsOf(newest)).toEqual(wordsOf(alert));
      expect([newest.status, newest.severity, newest.occurrences, newest.seq]).toEqual([
        alert.status,
        alert.severity,
        alert.occurrences,
        alert.last_seq,
      ]);
      expect(await opened.queries.find([tenant], [alert.alert_id])).toEqual([alert]);
      for (const result of stored) {
        if (result.outcome === 'stored')
          expect(renderData(entries[result.event.seq - 1]!)).toBe(renderData(result.event.entry));
      }
    }

    describe('for any order in which its messages are stored', () => {
      const word = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: undefined });
      const labels = fc.dictionary(fc.constantFrom('a', 'b'), fc.constantFrom('x', 'y', ''), { maxKeys: 2 });
      const message = fc.record({
        second: fc.integer({ min: 1, max: 4 }),
        status: fc.constantFrom('firing', 'firing', 'resolved'),
        severity: fc.constantFrom('urgent', 'high', 'medium', 'low'),
        type: word(fc.constantFrom('alert', 'notification')),
        name: word(fc.constantFrom('cold', 'hot_oven')),
        title: word(fc.constantFrom('One', 'Two')),
        message: word(fc.constantFrom('first line\nmore', 'another')),
        labels: word(labels),
        actions: word(fc.constantFrom([], [{ label: 'Go' }])),
        metadata: word(fc.constantFrom({}, { n: 1 }, { n: 2 })),
      });
      const history = fc.array(message, { minLength: 3, maxLength: 6 }).chain((messages) =>
        fc.record({
          messages: fc.constant(messages),
          orders: fc.array(
            fc.shuffledSubarray(
              messages.map((_, index) => index),
              { minLength: messages.length, maxLength: messages.length },
            ),
            { minLength: 3, maxLength: 3 },
          ),
          sizes: fc.array(fc.integer({ min: 1, max: 6 }), { minLength: 1, maxLength: 3 }),
        }),
      );
      const end = async (tenant: TenantId) => {
        const alert = await alertOf(tenant);
        return { status: alert.status, severity: alert.severity, occurrences: alert.occurrences, ...wordsOf(alert) };
      };

      it('an alert ends in the same status, severity and description, one by one or in batches', async () => {
        await fc.assert(
          fc.asyncProperty(history, async ({ messages, orders, sizes }) => {
            const bodies = messages.map(({ second, ...body }, index) => ({
              id: `m-${index}`,
              occurred_at: at(second),
              ...body,
            }));
            const byTime = [...bodies.keys()].sort((a, b) => messages[a]!.second - messages[b]!.second);
            const ends: unknown[] = [];
            for (const [turn, order] of [byTime, ...orders].entries()) {
              const tenant = aTenant();
              const changes = await store(
                opened.log,
                order.map((index) => planned(tenant, bodies[index]!, index % 2 ? 'http' : 'amqp')),
                turn % 2 ? sizes : [1],
              );
              expect(changes.filter((change) => change === 'raised').length).toBeLessThanOrEqual(1);
              await expectOneVoice(tenant);
              ends.push(await end(tenant));
            }
            for (const other of ends.slice(1)) expect(other).toEqual(ends[0]);
          }),
          { numRuns: opened.runs },
        );
      });

      it('so it does when repeats are folded, once what was folded is told', async () => {
        const tenants: TenantId[] = [];
        const samples = fc.sample(history, { numRuns: Math.ceil(opened.runs / 2), seed: 11 });
        for (const { messages, orders, sizes } of samples) {
          const bodies = messages.map(({ second, ...body }, index) => ({
            id: `m-${index}`,
            occurred_at: at(second),
            ...body,
          }));
          for (const order of [[...bodies.keys()], ...orders]) {
            const tenant = aTenant();
            tenants.push(tenant);
            await store(
              opened.folding,
              order.map((index) => planned(tenant, bodies[index]!)),
              sizes,
            );
          }
        }
        await eventually(async () => {
          await opened.folding.appendFolded();
          const told = await Promise.all(
            tenants.map(async (tenant) => (await entriesOf(tenant)).reduce((sum, { folded }) => sum + folded + 1, 0)),
          );
          const said = await Promise.all(tenants.map(async (tenant) => (await alertOf(tenant)).occurrences));
          expect(told).toEqual(said);
        });
        for (let from = 0; from < tenants.length; from += 4) {
          const ends = await Promise.all(tenants.slice(from, from + 4).map(end));
          for (const other of ends.slice(1)) expect(other).toEqual(ends[0]);
          for (const tenant of tenants.slice(from, from + 4)) await expectOneVoice(tenant);
        }
      });
    });

    it.each<[string, Body[], string[], Partial<Alert>]>([
      [
        'is resolved by a message without a time although its firing was ahead of us',
        [{ occurred_at: '2099-01-01T00:00:00Z' }, { status: 'resolved' }],
        ['raised', 'resolved'],
        { status: 'resolved' },
      ],
      [
        'fires again by a message without a time',
        [{ occurred_at: '2099-01-01T00:00:00Z' }, { status: 'resolved' }, { severity: 'low' }],
        ['raised', 'resolved', 'reopened'],
        { status: 'firing', severity: 'low' },
      ],
      [
        'learns its first time from the message that names one',
        [{}, { occurred_at: at(1), severity: 'low' }, { occurred_at: at(0), status: 'resolved' }],
        ['raised', 'severity_lowered', 'stale'],
        { status: 'firing', severity: 'low' },
      ],
      [
        'keeps the newest time when a message names none',
        [
          { occurred_at: at(5) },
          { severity: 'low' },
          { occurred_at: at(4), status: 'resolved' },
          { occurred_at: at(5), status: 'resolved' },
        ],
        ['raised', 'severity_lowered', 'stale', 'resolved'],
        { status: 'resolved' },
      ],
    ])('%s', async (_, bodies, changes, expected) => {
      for (const sizes of [[1], [9]]) {
        const tenant = aTenant();
        expect(
          await store(
            opened.log,
            bodies.map((body) => planned(tenant, body)),
            sizes,
          ),
        ).toEqual(changes);
        expect(await alertOf(tenant)).toMatchObject(expected);
        await expectOneVoice(tenant);
      }
    });

    it('shows the time of the transport, and compares it with none', async () => {
      const tenant = aTenant();
      const sent = parseAlertMessage(
        Buffer.from(
          JSON.stringify({ tenant_id: tenant, service: 'ovens', dedup_key: 'k', severity: 'high', status: 'resolved' }),
        ),
        { timestamp: 1_767_000_000 },
      );
      if (!sent.ok) throw new Error('refused');
      expect(
        await store(opened.log, [
          planned(tenant, { occurred_at: '2099-01-01T00:00:00Z' }),
          { ...planned(tenant, {}), message: sent.message },
        ]),
      ).toEqual(['raised', 'resolved']);
      expect((await entriesOf(tenant)).map(({ occurred_at }) => occurred_at)).toEqual([
        '2099-01-01T00:00:00.000Z',
        '2025-12-29T09:20:00.000Z',
      ]);
    });

    describe('and changes nothing that a message does not say', () => {
      const whole = {
        type: 'notification',
        name: 'cold',
        title: 'Oven 1 is cold',
        message: 'It is at 41 °C.',
        labels: { site: 'north' },
        actions: [{ label: 'Go' }],
        metadata: { celsius: 41 },
        occurred_at: at(1),
      };
      const described = (({ occurred_at, ...words }) => words)(whole);
      it.each<[string, Body, Body]>([
        ['by a bare resolved', { status: 'resolved', occurred_at: at(2) }, {}],
        ['by a bare resolved without a time', { status: 'resolved' }, {}],
        ['by a repeat that says only its key', { occurred_at: at(2) }, {}],
        ['by a change of severity', { severity: 'urgent', occurred_at: at(2) }, {}],
        [
          'but its labels by those of a resolved',
          { status: 'resolved', occurred_at: at(2), labels: { site: 'south' } },
          { labels: { site: 'south' } },
        ],
        [
          'but what is emptied on purpose',
          { occurred_at: at(2), labels: {}, actions: [], metadata: {} },
          { labels: {}, actions: [], metadata: {} },
        ],
        ['but the name, and not the title that was said', { occurred_at: at(2), name: 'hot' }, { name: 'hot' }],
        ['but what an older message says that no newer one has', { occurred_at: at(0), title: 'Older' }, {}],
      ])('%s', async (_, body, changed) => {
        for (const by of ['amqp', 'http'] as const) {
          if (by === 'http' && body.occurred_at === undefined) continue;
          for (const together of [true, false]) {
            const tenant = aTenant();
            const events = [planned(tenant, whole, by), planned(tenant, body, by)];
            const results = together
              ? await opened.log.append(events)
              : [...(await opened.log.append([events[0]!])), ...(await opened.log.append([events[1]!]))];
            expect(wordsOf(await alertOf(tenant))).toEqual({ ...described, ...changed });
            await expectOneVoice(tenant, results);
          }
        }
      });

      it('which is called by its name, else by its message, until it has a title', async () => {
        const tenant = aTenant();
        const title = async (body: Body) => {
          await store(opened.log, [planned(tenant, body)]);
          return (await alertOf(tenant)).title;
        };
        expect(await title({ occurred_at: at(1) })).toBe('Alert from ovens');
        expect(await title({ occurred_at: at(2), message: 'It is cold' })).toBe('It is cold');
        expect(await title({ occurred_at: at(3), name: 'low_stock' })).toBe('Low stock');
        expect(await title({ occurred_at: at(4), message: 'It is warm' })).toBe('Low stock');
        expect(await title({ occurred_at: at(0), title: 'Oven 1' })).toBe('Oven 1');
        expect(await title({ occurred_at: at(5), name: 'hot', status: 'resolved' })).toBe('Oven 1');
      });

      it('nor the words of what was folded', async () => {
        const tenant = aTenant();
        const folded = { ...whole, title: 'Oven 1 is colder', metadata: { celsius: 39 }, occurred_at: at(5) };
        expect(
          await store(
            opened.folding,
            [whole, { ...whole, occurred_at: at(2) }, folded, { status: 'resolved', occurred_at: at(6) }].map((body) =>
              planned(tenant, body),
            ),
            [3],
          ),
        ).toEqual(['raised', 'repeated', 'folded', 'resolved']);
        expect(await alertOf(tenant)).toMatchObject({
          title: 'Oven 1 is colder',
          metadata: { celsius: 39 },
          labels: { site: 'north' },
          status: 'resolved',
        });
        await expectOneVoice(tenant);
      });
    });

    describe('of one that says what is so now', () => {
      const [firing, over] = [
        { snapshot: true, occurred_at: at(1), title: 'Cold' },
        { snapshot: true, occurred_at: at(1), status: 'resolved' },
      ];
      it.each<[string, Body[], string[], Partial<Alert>]>([
        [
          'which fires again with the time that it had',
          [firing, over, firing, over],
          ['raised', 'resolved', 'reopened', 'resolved'],
          { status: 'resolved', occurrences: 4 },
        ],
        [
          'whose repeats are none',
          [firing, firing, { ...firing, title: 'Colder', occurred_at: at(9) }, over, over],
          ['raised', 'duplicate', 'duplicate', 'resolved', 'duplicate'],
          { title: 'Cold', occurrences: 2 },
        ],
        [
          'which is more severe',
          [firing, { ...firing, severity: 'urgent' }, { ...firing, severity: 'urgent' }],
          ['raised', 'severity_raised', 'duplicate'],
          { severity: 'urgent' },
        ],
        ['which is over before it is heard of', [over, over], ['resolved', 'duplicate'], { status: 'resolved' }],
        [
          'and neither is stale nor makes others so',
          [{ occurred_at: at(5) }, { ...over, occurred_at: at(1) }, { occurred_at: at(4) }, { occurred_at: at(6) }],
          ['raised', 'resolved', 'stale', 'reopened'],
          { status: 'firing' },
        ],
        [
          'without a time',
          [{ snapshot: true }, { snapshot: true }, { snapshot: true, status: 'resolved' }],
          ['raised', 'duplicate', 'resolved'],
          { status: 'resolved' },
        ],
      ])('%s', async (_, bodies, changes, expected) => {
        for (const [sizes, by] of [
          [[1], 'amqp'],
          [[9], 'http'],
          [[2], 'amqp'],
        ] as const) {
          const tenant = aTenant();
          expect(
            await store(
              opened.log,
              bodies.map((body) => planned(tenant, body, by)),
              sizes,
            ),
          ).toEqual(changes);
          expect(await alertOf(tenant)).toMatchObject(expected);
          await expectOneVoice(tenant);
        }
      });

      it('tells where its alert stands when it is a repeat, in one batch and later, also of what was redelivered', async () => {
        const tenant = aTenant();
        const repeat = planned(tenant, { ...firing, id: 'again' });
        const [raised, inOneBatch] = await opened.log.append([planned(tenant, firing), planned(tenant, firing)]);
        const position =
          raised!.outcome === 'stored' ? { epoch: raised!.event.epoch, seq: 1, fp: raised!.event.fp } : null;
        expect(inOneBatch).toEqual({ outcome: 'duplicate', tenant_id: tenant, position });
        expect(await opened.log.append([repeat, planned(tenant, over), repeat])).toEqual([
          { outcome: 'duplicate', tenant_id: tenant, position },
          expect.objectContaining({ outcome: 'stored' }),
          { outcome: 'duplicate', tenant_id: tenant, position },
        ]);
        expect(await opened.log.append([repeat])).toEqual([{ outcome: 'duplicate', tenant_id: tenant, position }]);
        expect((await alertOf(tenant)).status).toBe('resolved');
      });
    });

    it('keeps a resolved without a key as an alert of its own, which never rang', async () => {
      const tenant = aTenant();
      expect(
        await store(opened.log, [planned(tenant, { dedup_key: undefined, status: 'resolved', title: 'Over' })]),
      ).toEqual(['resolved']);
      expect(await alertOf(tenant)).toMatchObject({
        status: 'resolved',
        title: 'Over',
        dedup_key: null,
        occurrences: 1,
      });
    });
  });
}
