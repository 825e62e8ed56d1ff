import { decodeHints, encodeHint, renderData, Unavailable } from '@tocsin/contracts';
import type { AppendResult } from '@tocsin/contracts/ports';
import type { BatchMessage } from './handle-batch';
import {
  aMessage,
  bakery,
  IngestInMemory,
  settled,
  storedAs,
  type BusInMemory,
  type LogInMemory,
} from './testing/ingest-in-memory';

describe('taking alerts in', () => {
  let played: IngestInMemory;
  let log: LogInMemory;
  let bus: BusInMemory;
  beforeEach(() => {
    played = new IngestInMemory();
    ({ log, bus } = played);
  });
  const ingest = (batch: BatchMessage[]) => played.inLanes().ingest(batch);
  const counted = (name: string, labels?: Record<string, string>) => played.counted(name, labels);

  it('stores what is valid, with its deliveries, and hints at it in order, data and all', async () => {
    expect(await ingest([aMessage({ id: 'a', title: 'Größe' }), aMessage({ id: 'b' })])).toEqual(
      settled({ outcome: 'stored' }, { outcome: 'stored' }),
    );

    expect(log.stored.map(({ message, deliveries }) => [message.id, deliveries.length])).toEqual([
      ['a', 1],
      ['b', 1],
    ]);
    expect(bus.hints.map(({ tenant_id, seq }) => [tenant_id, seq])).toEqual([
      [bakery, 1],
      [bakery, 2],
    ]);
    expect(bus.hints[0]!.data!.toString()).toBe(renderData(storedAs(log.stored[0]!, 1).entry));
    expect(await counted('tocsin_ingest_messages_total', { result: 'stored' })).toBe(2);
    expect(await counted('tocsin_events_published_total', { tenant: bakery })).toBe(2);
  });

  it('rings for the notifiers when an entry rings for which deliveries are planned, and for no other', async () => {
    await ingest([aMessage({ id: 'a' }), aMessage({ id: 'b' })]);
    expect(played.rings).toBe(1);
    await ingest([aMessage({ id: 'a' }, { redelivered: true })]);
    await ingest([aMessage({ id: 'c', type: 'notification' })]);
    expect(played.rings).toBe(1);

    log.append = async ([event]) => {
      const stored = storedAs(event!, 9);
      return [{ outcome: 'stored', event: { ...stored, entry: { ...stored.entry, change: 'repeated' } } }];
    };
    await ingest([aMessage({ id: 'd' })]);
    expect(played.rings).toBe(1);
  });

  it('plans nothing when deliveries are switched off', async () => {
    const off = played.with({ plan: () => [] });
    expect(await off.ingest([aMessage({ id: 'a' })])).toEqual(settled({ outcome: 'stored' }));
    expect(log.stored[0]!.deliveries).toEqual([]);
    expect([played.rings, bus.hints.length]).toEqual([0, 1]);
  });

  it('hints again at a duplicate, with its stored position and nothing else: the first hint may never have gone out', async () => {
    await ingest([aMessage({ id: 'a' })]);
    expect(await ingest([aMessage({ id: 'a' }, { redelivered: true })])).toEqual(settled({ outcome: 'duplicate' }));

    const { tenant_id, ...hint } = bus.hints[1]!;
    expect(tenant_id).toBe(bakery);
    expect(hint).toMatchObject({ epoch: 'e1', seq: 1, fp: 'fp-1', data: null });
    expect(decodeHints(encodeHint(hint))).toEqual([hint]);
    expect(log.stored).toHaveLength(1);
  });

  it('settles a folded message, and one that was folded before, without a hint, and counts both', async () => {
    const results: AppendResult[] = [
      { outcome: 'folded' },
      { outcome: 'duplicate', tenant_id: bakery, position: null },
    ];
    log.append = async () => results;
    expect(await ingest([aMessage({ id: 'a' }), aMessage({ id: 'b' })])).toEqual(
      settled({ outcome: 'folded' }, { outcome: 'duplicate' }),
    );
    expect(bus.hints).toEqual([]);
    expect(await counted('tocsin_ingest_messages_total', { result: 'folded' })).toBe(1);
  });

  it('gives the batch back when the event log is away, and sends no hint', async () => {
    log.trouble = () => new Unavailable('log', 'PostgreSQL cannot be reached');
    expect(await ingest([aMessage({ id: 'a' }), aMessage('not json')])).toEqual({
      kind: 'retry',
      reason: 'PostgreSQL cannot be reached',
    });
    expect([log.letters, bus.hints]).toEqual([[], []]);
    expect(await counted('tocsin_ingest_messages_total', { result: 'stored' })).toBe(0);
  });

  it('gives the batch back after a fault of its own: nothing was decided about the messages', async () => {
    log.trouble = () => new TypeError('x is not a function');
    expect(await ingest([aMessage({ id: 'a' })])).toEqual({ kind: 'retry', reason: 'x is not a function' });
  });

  it('settles although the bus is away, and counts the failure', async () => {
    bus.away = true;
    expect(await ingest([aMessage({ id: 'a' })])).toEqual(settled({ outcome: 'stored' }));
    expect(await counted('tocsin_publish_failures_total')).toBe(1);
    expect(await counted('tocsin_events_published_total', { tenant: bakery })).toBe(0);
  });

  it.each([
    ['00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01', '0af7651916cd43dd8448eb211c80319c'],
    ['00-00000000000000000000000000000000-b7ad6b7169203331-01', null],
    ['ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01', null],
    ['anything', null],
    [{ nested: true }, null],
    [undefined, null],
  ])('reads the trace id of traceparent %p', async (traceparent, traceId) => {
    await ingest([aMessage({ id: 'a' }, { headers: { traceparent } })]);
    expect(log.stored[0]!.trace_id).toBe(traceId);
  });

  it('counts which names of other systems it understood, and how many fields are unknown', async () => {
    await ingest([aMessage({ id: 'a', summary: 'Flour is low', colour: 'red', shape: 'round' })]);
    expect(await counted('tocsin_understood_names_total', { name: 'summary' })).toBe(1);
    expect(await counted('tocsin_unknown_fields_total')).toBe(2);
  });

  it('answers an empty batch with the state of the log', async () => {
    expect(await ingest([])).toEqual(settled());
    log.trouble = () => new Unavailable('log', 'away');
    expect(await ingest([])).toEqual({ kind: 'retry', reason: 'away' });
  });
});
