import type { ValidMessage } from '../../valid-message';
import { FOLDING, renderData } from '../../event';
import type { AppendResult, EventLog } from '../../ports';
import type { TenantId } from '../../tenant';
import { aPlannedEvent, aTenant } from '../an-alert';
import { eventually } from '../eventually';
import { asRead, eventOf, FOLDS, type OpenEventLog } from './opened-log';

/** What becomes of the repeats of a flood. */
export function describeFolding(opened: () => OpenEventLog): void {
  describe('folding', () => {
    let log: EventLog;
    let reader: EventLog;
    let folding: EventLog;
    beforeAll(() => void ({ log, reader, folding } = opened()));

    /** Messages of one alert: the first raises it, the others repeat it. */
    const repeats = (tenant_id: TenantId, count: number, overrides: Partial<ValidMessage> = {}) =>
      Array.from({ length: count }, () => aPlannedEvent({ tenant_id, dedup_key: 'flood', ...overrides }));
    const told = (entries: { folded: number }[]) => entries.reduce((sum, { folded }) => sum + folded, 0);
    const entriesOf = async (tenant_id: TenantId) => (await reader.after(tenant_id, 0, 1000)).map(({ entry }) => entry);
    /**
     * Appends due entries until none is left, and returns this tenant's. Other tenants' entries may be appended too.
     */
    const flushed = (tenant_id: TenantId) =>
      eventually(async () => {
        const own = (await folding.appendFolded()).filter((event) => event.tenant_id === tenant_id);
        expect(own.length).toBeGreaterThan(0);
        return own;
      });

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
}
