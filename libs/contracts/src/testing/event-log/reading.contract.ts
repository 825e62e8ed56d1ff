import type { ValidMessage } from '../../valid-message';
import { entryPasses, type LogPosition, type StreamFilter } from '../../event';
import { MAX_SEARCHED, type EventLog } from '../../ports';
import { aPlannedEvent, aTenant } from '../an-alert';
import { eventOf, numbers, type OpenEventLog } from './opened-log';

/** How entries are read: behind a number, the newest that pass, from a time. */
export function describeReading(opened: () => OpenEventLog): void {
  describe('reading', () => {
    let log: EventLog;
    let reader: EventLog;
    beforeAll(() => void ({ log, reader } = opened()));

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
      const low = (count: number) => Array.from({ length: count }, () => aPlannedEvent({ tenant_id, severity: 'low' }));
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
      expect((await found({ name: ['cold'], labels: { site: 'north' }, severity: ['urgent'] })).at(-1)).toBe(undefined);
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
}
