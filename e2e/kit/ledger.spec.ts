import {
  violationsOf,
  type Ledger,
  type Published,
  type StoredRow,
  type Transcript,
  type ViolationName,
} from './ledger';
import type { SseEvent } from './sse-parser';

const row = (seq: number, over: Partial<StoredRow> = {}): StoredRow => ({
  tenant_id: 'bakery',
  seq,
  epoch: 'e',
  fp: `f${seq}`,
  service: 'inventory',
  event_id: `m${seq}`,
  ...over,
});
const published = (seq: number, over: Partial<Published> = {}): Published => ({
  tenant_id: 'bakery',
  service: 'inventory',
  id: `m${seq}`,
  confirmed: true,
  ...over,
});
const frame = (event: string, id: string | undefined, data: unknown): SseEvent => ({
  event,
  id,
  lastEventId: id ?? '',
  data: JSON.stringify(data),
  retryMs: undefined,
});
const connection = (id: string): SseEvent => frame('connection', id, {});
const entry = (seq: number, over: { tenant_id?: string; event_id?: string; id?: string } = {}): SseEvent =>
  frame('inventory_alert', over.id ?? `e-${seq}-f${seq}`, {
    tenant_id: over.tenant_id ?? 'bakery',
    seq,
    event_id: over.event_id ?? `m${seq}`,
  });
const heartbeat = (id: string): SseEvent => frame('heartbeat', id, {});
const transcript = (frames: SseEvent[], over: Partial<Transcript> = {}): Transcript => ({
  client: 'ana',
  tenants: ['bakery'],
  frames,
  connectedAtTheEnd: true,
  ...over,
});

/** Three messages that were stored. The client came after the first one, left, and came back. */
const good: Ledger = {
  published: [published(1), published(2), published(3), published(3)],
  rows: [row(1), row(2), row(3)],
  transcripts: [transcript([connection('e-1-f1'), entry(2), heartbeat('e-2-f2'), connection('e-2-f2'), entry(3)])],
  logs: ['{"msg":"listening"}'],
  secrets: ['canary'],
};
const namesOf = (over: Partial<Ledger>): ViolationName[] => violationsOf({ ...good, ...over }).map(({ name }) => name);
const seenAs = (frames: SseEvent[], over: Partial<Transcript> = {}): ViolationName[] =>
  namesOf({ transcripts: [transcript(frames, over)] });

describe('the ledger', () => {
  it('finds nothing wrong with a good run', () => {
    expect(violationsOf(good)).toEqual([]);
  });

  it('misses a confirmed message that is not stored', () => {
    expect(namesOf({ published: [...good.published, published(4)] })).toEqual(['confirmed_not_stored']);
  });

  it('does not miss one that was never confirmed', () => {
    expect(namesOf({ published: [...good.published, published(4, { confirmed: false })] })).toEqual([]);
  });

  it('sees a message that is stored twice', () => {
    expect(namesOf({ rows: [...good.rows, row(4, { event_id: 'm2' })], transcripts: [] })).toEqual(['stored_twice']);
  });

  it('takes one id of two services for two messages', () => {
    const other = { service: 'sales', event_id: 'm2' };
    expect(
      namesOf({
        rows: [...good.rows, row(4, other)],
        published: [...good.published, published(2, { service: 'sales' })],
        transcripts: [],
      }),
    ).toEqual([]);
  });

  it('sees a row that was not published', () => {
    expect(namesOf({ published: good.published.slice(0, 2), transcripts: [] })).toEqual(['stored_not_published']);
  });

  it('takes what people do for entries, and not for messages', () => {
    const act = row(4, { is_act: true });
    const seen = transcript([...good.transcripts[0]!.frames, entry(4)]);
    expect(violationsOf({ ...good, rows: [...good.rows, act], transcripts: [seen] })).toEqual([]);
    expect(namesOf({ rows: [...good.rows, act] })).toEqual(['client_not_at_head']);
  });

  it('sees a hole in the numbers, also at their beginning', () => {
    expect(
      namesOf({ rows: [row(1), row(3, { event_id: 'm2' }), row(4, { event_id: 'm3' })], transcripts: [] }),
    ).toEqual(['log_has_hole']);
    expect(
      namesOf({
        rows: [row(2, { event_id: 'm1' }), row(3, { event_id: 'm2' }), row(4, { event_id: 'm3' })],
        transcripts: [],
      }),
    ).toEqual(['log_has_hole']);
  });

  it('sees a number that is used twice', () => {
    expect(namesOf({ rows: [row(1), row(2), row(2, { event_id: 'm3' })], transcripts: [] })).toEqual([
      'number_used_twice',
    ]);
  });

  it('sees that a client missed an entry, between two connections as within one', () => {
    expect(seenAs([connection('e-0-0'), entry(1), entry(3)])).toEqual(['client_missed']);
    expect(seenAs([connection('e-0-0'), entry(1), connection('e-2-f2'), entry(3)])).toEqual(['id_before_entry']);
  });

  it('sees that a client was sent an entry twice', () => {
    expect(seenAs([connection('e-0-0'), entry(1), entry(2), connection('e-1-f1'), entry(2), entry(3)])).toEqual([
      'client_saw_twice',
    ]);
  });

  it("sees another tenant's entry", () => {
    const rows = [...good.rows, row(1, { tenant_id: 'cafe' })];
    const frames = [connection('e-3-f3'), entry(1, { tenant_id: 'cafe', id: 'e-3-f3' })];
    expect(
      namesOf({
        rows,
        published: [...good.published, published(1, { tenant_id: 'cafe' })],
        transcripts: [transcript(frames)],
      }),
    ).toEqual(['client_saw_foreign']);
  });

  it('sees an entry, or a position, that the log does not have', () => {
    expect(seenAs([connection('e-2-f2'), entry(3, { event_id: 'other' })])).toEqual(['client_saw_unknown']);
    expect(seenAs([connection('e-2-f2'), entry(3, { id: 'e-3-restored' })])).toEqual(['client_saw_unknown']);
  });

  it('sees an id that runs ahead of what was written', () => {
    expect(seenAs([connection('e-1-f1'), heartbeat('e-2-f2'), entry(2), entry(3)])).toContain('id_before_entry');
  });

  it('sees a client that stopped short of the end, unless it had left', () => {
    expect(seenAs([connection('e-1-f1'), entry(2)])).toEqual(['client_not_at_head']);
    expect(seenAs([connection('e-1-f1'), entry(2)], { connectedAtTheEnd: false })).toEqual([]);
  });

  it('reads the cursors of a stream of two tenants, each for itself', () => {
    const rows = [row(1), row(1, { tenant_id: 'cafe', fp: 'g1' })];
    const both = { tenants: ['bakery', 'cafe'] };
    const sent = [published(1), published(1, { tenant_id: 'cafe' })];
    const frames = [
      connection('bakery=e-0-0;cafe=e-0-0'),
      entry(1, { id: 'bakery=e-1-f1;cafe=e-0-0' }),
      entry(1, { tenant_id: 'cafe', id: 'bakery=e-1-f1;cafe=e-1-g1' }),
    ];
    expect(namesOf({ rows, published: sent, transcripts: [transcript(frames, both)] })).toEqual([]);
    expect(namesOf({ rows, published: sent, transcripts: [transcript(frames.slice(0, 2), both)] })).toEqual([
      'client_not_at_head',
    ]);
  });

  it('sees a secret in a log', () => {
    expect(namesOf({ logs: ['{"url":"/api/events?token=canary"}'] })).toEqual(['secret_in_log']);
  });
});
