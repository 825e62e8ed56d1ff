import * as fc from 'fast-check';
import { Refused } from '../../errors';
import { renderData, type PlannedEvent, type StoredEvent } from '../../event';
import type { AppendResult, EventLog } from '../../ports';
import { aPlannedEvent, aTenant } from '../an-alert';
import { asRead, eventOf, numbers, type OpenEventLog } from './opened-log';

/** How messages become entries: numbers, links, duplicates, conflicts, all or nothing. */
export function describeStoring(opened: () => OpenEventLog): void {
  describe('storing', () => {
    let log: EventLog;
    let reader: EventLog;
    beforeAll(() => void ({ log, reader } = opened()));

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

    it('keeps the span of a sampled trace beside the entry, which does not show it', async () => {
      const tenant_id = aTenant();
      const trace_id = '0af7651916cd43dd8448eb211c80319c';
      const [traced, unsampled] = await log.append([
        aPlannedEvent({ tenant_id }, { trace_id, span_id: 'b7ad6b7169203331' }),
        aPlannedEvent({ tenant_id }, { trace_id }),
      ]);
      const trace = { trace_id, span_id: 'b7ad6b7169203331', sampled: true };
      expect([traced, unsampled].map((result) => eventOf(result!).trace)).toEqual([trace, undefined]);
      const read = await reader.after(tenant_id, 0, 10);
      expect(read.map((event) => event.trace)).toEqual([trace, undefined]);
      expect(renderData(read[0]!.entry)).not.toContain('b7ad6b7169203331');
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
}

/** Fisher-Yates: every order is equally likely. */
function shuffled<T>(items: T[]): T[] {
  for (let last = items.length - 1; last > 0; last -= 1) {
    const other = Math.floor(Math.random() * (last + 1));
    [items[last], items[other]] = [items[other]!, items[last]!];
  }
  return items;
}
