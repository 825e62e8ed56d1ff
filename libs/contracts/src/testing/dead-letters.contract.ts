import type { DeadLetter } from '../event';
import type { DeadLetters, EventLog } from '../ports';
import { aTenant } from './an-alert';

interface OpenDeadLetters {
  deadLetters: DeadLetters;
  /** The event log that buries them. */
  log: Pick<EventLog, 'bury'>;
  close(): Promise<void>;
}

/** What every `DeadLetters` does. `open` gives a store without dead letters. */
export function describeDeadLetters(name: string, { open }: { open(): Promise<OpenDeadLetters> }): void {
  describe(`${name} keeps dead letters`, () => {
    let opened: OpenDeadLetters;
    let letters: DeadLetters;
    const [a, b] = [aTenant('a'), aTenant('b')];
    const any = { tenant_id: null, reason: null };
    const page = { ...any, status: null, behind: null, limit: 100 };
    const everyOpen = { ...any, up_to: null, whole: false };
    const decision = { status: 'discarded' as const, by: 'ana', note: 'a test' };
    const bury = (...overrides: Partial<DeadLetter>[]) =>
      opened.log.bury(
        overrides.map((override) => ({
          tenant_id: a,
          reason: 'invalid_field',
          detail: 'wrong',
          body: Buffer.from('{}'),
          routing_key: 'alert.low.shop',
          ...override,
        })),
      );
    const ids = async (reach: Parameters<DeadLetters['list']>[0], query = {}) =>
      (await letters.list(reach, { ...page, ...query })).map(({ dead_letter_id }) => dead_letter_id);

    beforeEach(async () => {
      opened = await open();
      letters = opened.deadLetters;
    }, 60_000);
    afterEach(() => opened.close());

    it('as they came: bytes, routing key, and what the transport said', async () => {
      const body = Buffer.from([0, 255, 0xc3, 0x7b]);
      await bury(
        {
          body,
          message_id: 'm-1\0',
          message_timestamp: 1_767_322_800,
          detail: 'größer',
          content_encoding: 'gzip',
          headers: { 'cloudEvents:time': { '!': 'timestamp', value: 7 }, 'cloudEvents:id': 'a\0ü' },
        },
        { routing_key: null, tenant_id: null, message_timestamp: Number.MAX_VALUE },
      );
      const [first, second] = await letters.list('all', page);
      const letter = {
        tenant_id: a,
        reason: 'invalid_field',
        detail: 'größer',
        routing_key: 'alert.low.shop',
        message_timestamp: 1_767_322_800,
        body_bytes: 4,
        truncated: false,
        content_encoding: 'gzip',
      };
      expect(first).toEqual({
        ...letter,
        headers: { 'cloudEvents:time': { '!': 'timestamp', value: 7 }, 'cloudEvents:id': 'a\ufffdü' },
        dead_letter_id: expect.any(Number) as number,
        message_id: expect.stringMatching(/^m-1/) as string,
        buried_at: expect.stringMatching(/^\d{4}-.*\.\d{3}Z$/) as string,
        status: 'open',
        decided_at: null,
        decided_by: null,
        note: null,
      });
      expect(second).toMatchObject({
        tenant_id: null,
        routing_key: null,
        message_id: null,
        message_timestamp: null,
        content_encoding: null,
        headers: null,
      });
      expect(await letters.find('all', first!.dead_letter_id)).toEqual({ ...first, body });
      expect(await letters.find('all', second!.dead_letter_id + 1)).toBeUndefined();
    });

    it('under numbers that grow, and tell a tenant when its letters came and not how many others had between', async () => {
      await bury({ tenant_id: a }, ...Array.from({ length: 40 }, () => ({ tenant_id: b })), { tenant_id: a });
      await Promise.all(
        Array.from({ length: 8 }, (_, call) => bury({ tenant_id: call % 2 === 0 ? a : b }, { tenant_id: b })),
      );
      const all = await letters.list('all', page);
      const numbers = all.map(({ dead_letter_id }) => dead_letter_id);
      expect(new Set(numbers).size).toBe(58);
      for (const { dead_letter_id, buried_at } of all)
        expect(Math.abs(Date.parse(buried_at) - (Date.UTC(2020, 0) + dead_letter_id / 1_000))).toBeLessThan(5_000);
      const [first, second] = (await ids([a])) as [number, number];
      expect(second - first).toBe(1);
      await bury({ tenant_id: a });
      expect((await ids([a])).at(-1)).toBeGreaterThan(Math.max(...numbers));
    });

    it('in pages, the oldest or the newest first', async () => {
      await bury({}, {}, { tenant_id: b }, {});
      const oldest = await ids([a]);
      expect(oldest).toHaveLength(3);
      const newest = await ids([a], { order: 'newest', limit: 2 });
      expect(newest).toEqual([oldest[2], oldest[1]]);
      expect(await ids([a], { order: 'newest', behind: newest[1] })).toEqual([oldest[0]]);
      expect(await ids([a], { behind: oldest[1] })).toEqual([oldest[2]]);
    });

    it('to an operator from whom tenants were revoked without those, in every way of reaching them', async () => {
      await bury({ tenant_id: a }, { tenant_id: b }, { tenant_id: null });
      const [ofA, ofB, ofNobody] = (await ids('all')) as [number, number, number];
      expect(await ids({ allBut: [] })).toEqual([ofA, ofB, ofNobody]);
      const reach = { allBut: [b] };
      expect(await ids(reach)).toEqual([ofA, ofNobody]);
      expect(await ids(reach, { tenant_id: b })).toEqual([]);
      expect(await letters.find(reach, ofB)).toBeUndefined();
      expect(await letters.count(reach, { tenant_id: null, reason: null, up_to: null, whole: false })).toEqual({
        letters: 2,
        newest: ofNobody,
      });
      expect(
        (await letters.oldest(reach, { tenant_id: null, reason: null, up_to: null, whole: false }, 10)).map(
          ({ dead_letter_id }) => dead_letter_id,
        ),
      ).toEqual([ofA, ofNobody]);
      expect(await letters.decide(reach, [ofA, ofB, ofNobody], decision)).toEqual([ofA, ofNobody]);
      expect(await letters.find('all', ofB)).toMatchObject({ status: 'open' });
      expect(await ids({ allBut: [a, b] }, { status: null })).toEqual([ofNobody]);
    });

    it('to those of the tenant and to operators alone; without a tenant to operators', async () => {
      await bury({ tenant_id: a }, { tenant_id: b }, { tenant_id: null });
      const [ofA, ofB, ofNobody] = (await ids('all')) as [number, number, number];
      expect(await ids([a])).toEqual([ofA]);
      expect(await ids([a, b])).toEqual([ofA, ofB]);
      expect(await ids([])).toEqual([]);
      expect(await ids([a], { tenant_id: b })).toEqual([]);
      for (const foreign of [ofB, ofNobody]) {
        expect(await letters.find([a], foreign)).toBeUndefined();
        expect(await letters.decide([a], [foreign], decision)).toEqual([]);
      }
      expect((await letters.oldest([a], everyOpen, 10)).map(({ dead_letter_id }) => dead_letter_id)).toEqual([ofA]);
      expect(await letters.count([a], everyOpen)).toEqual({ letters: 1, newest: ofA });
      expect(await letters.count('all', everyOpen)).toEqual({ letters: 3, newest: ofNobody });
      expect(await letters.count([], everyOpen)).toEqual({ letters: 0, newest: null });
    });

    it('the oldest first, page by page, filtered by tenant, reason and status', async () => {
      await bury(
        ...Array.from({ length: 5 }, (_, index) => ({
          reason: index % 2 ? 'too_deep' : 'invalid_json',
          tenant_id: index < 4 ? a : b,
        })),
      );
      const all = await ids('all');
      expect(all).toEqual([...all].sort((x, y) => x - y));
      expect(await ids('all', { limit: 2 })).toEqual(all.slice(0, 2));
      expect(await ids('all', { limit: 2, behind: all[1] })).toEqual(all.slice(2, 4));
      expect(await ids('all', { behind: all[4] })).toEqual([]);
      expect(await ids('all', { reason: 'too_deep' })).toEqual([all[1], all[3]]);
      expect(await ids('all', { tenant_id: b })).toEqual([all[4]]);
      await letters.decide('all', [all[0]!], decision);
      expect(await ids('all', { status: 'open' })).toEqual(all.slice(1));
      expect(await ids('all', { status: 'discarded' })).toEqual([all[0]]);
      expect(
        (await letters.oldest('all', { ...any, reason: 'invalid_json', up_to: all[3]!, whole: true }, 10)).map(
          ({ dead_letter_id }) => dead_letter_id,
        ),
      ).toEqual([all[2]]);
      expect(await letters.count('all', { ...any, up_to: all[2]!, whole: true })).toEqual({
        letters: 2,
        newest: all[2],
      });
    });

    it('once decided as what was decided first, by whom, when and why', async () => {
      await bury({}, {});
      const [first, second] = (await ids('all')) as [number, number];
      expect(
        await letters.decide([a], [first, second, second + 100], { status: 'redriven', by: 'ana', note: null }),
      ).toEqual([first, second]);
      expect(await letters.decide('all', [first], decision)).toEqual([]);
      expect(await letters.find([a], first)).toMatchObject({
        status: 'redriven',
        decided_by: 'ana',
        note: null,
        decided_at: expect.stringMatching(/Z$/) as string,
      });
      expect(await letters.decide('all', [], decision)).toEqual([]);
    });

    it('with the mark that not all of a message is there, and leaves it out where whole ones are asked for', async () => {
      const body = Buffer.alloc(70_000, 'x');
      await bury({ body, reason: 'message_too_large' }, { body: body.subarray(0, 65_536), reason: 'store_failed' });
      expect((await letters.list('all', page)).map(({ truncated, body_bytes }) => [truncated, body_bytes])).toEqual([
        [true, 65_536],
        [false, 65_536],
      ]);
      expect((await letters.count('all', { ...everyOpen, whole: true })).letters).toBe(1);
      expect((await letters.oldest('all', { ...everyOpen, whole: true }, 10)).map(({ reason }) => reason)).toEqual([
        'store_failed',
      ]);
    });

    it('and says how many are open, by reason, and since when', async () => {
      expect(await letters.depth()).toEqual([]);
      await bury({ tenant_id: null }, { tenant_id: b }, { reason: 'too_deep' }, { reason: 'id_conflict' });
      const stored = await letters.list('all', page);
      const first = (reason: string) => stored.find((letter) => letter.reason === reason)!;
      await letters.decide('all', [first('id_conflict').dead_letter_id], decision);
      const depth = await letters.depth();
      expect(depth.sort((x, y) => y.letters - x.letters)).toEqual([
        { reason: 'invalid_field', letters: 2, oldest: first('invalid_field').buried_at },
        { reason: 'too_deep', letters: 1, oldest: first('too_deep').buried_at },
      ]);
    });
  });
}
