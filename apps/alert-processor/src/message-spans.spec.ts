import { Unavailable } from '@tocsin/contracts';
import { SpansInMemory } from '@tocsin/observability/testing';
import { aMessage, IngestInMemory, settled } from './testing/ingest-in-memory';

const TRACE = '0af7651916cd43dd8448eb211c80319c';
const PRODUCER = 'b7ad6b7169203331';
const from = (flags: string, trace = TRACE) => ({ headers: { traceparent: `00-${trace}-${PRODUCER}-${flags}` } });

describe('the spans of messages', () => {
  let memory: IngestInMemory;
  let spans: SpansInMemory;
  const ingest = (...batch: Parameters<typeof aMessage>[]) =>
    memory.with({ trace: spans }).ingest(batch.map((message) => aMessage(...message)));
  beforeEach(() => {
    memory = new IngestInMemory();
    spans = new SpansInMemory();
  });

  it('continue the producer, with a part for each step, and the entry and its hint continue them', async () => {
    await ingest([{ id: 'a' }, from('01')]);
    expect(spans.tree).toEqual([
      ['parse', 'process'],
      ['store', 'process'],
      ['announce', 'process'],
      ['process', PRODUCER],
    ]);
    const process = spans.ended.at(-1)!;
    expect(process).toMatchObject({
      kind: 'consumer',
      attributes: { 'tocsin.outcome': 'stored', 'tocsin.seq': 1, 'messaging.batch.message_count': 1 },
      failed: undefined,
    });
    expect(spans.ended.every(({ context }) => context.trace_id === TRACE)).toBe(true);
    expect(memory.log.stored[0]).toMatchObject({ trace_id: TRACE, span_id: process.context.span_id });
    expect(memory.bus.hints[0]!.trace).toEqual(process.context);
    expect(memory.bus.hints[0]!.hops!.taken).toBe(process.at);
  });

  it('have times that follow each other', async () => {
    await ingest([{ id: 'a' }, from('01')]);
    const [parse, store, announce, process] = spans.ended;
    const { taken, stored } = memory.bus.hints[0]!.hops!;
    const times = [taken, process!.at, parse!.at, parse!.endedAt, store!.at, store!.endedAt, stored];
    expect(times).toEqual([...times].sort((a, b) => a - b));
    const later = [store!.endedAt, announce!.at, announce!.endedAt, process!.endedAt];
    expect(later).toEqual([...later].sort((a, b) => a - b));
  });

  it('are each in the trace of its own message, though a batch has one statement', async () => {
    const other = '1'.repeat(32);
    await ingest([{ id: 'a' }, from('01')], [{ id: 'b' }, from('00')], [{ id: 'c' }, from('01', other)]);
    const processes = spans.ended.filter(({ name }) => name === 'process');
    expect(processes.map(({ context }) => context.trace_id)).toEqual([TRACE, other]);
    expect(processes[0]!.attributes['messaging.batch.message_count']).toBe(3);
    expect(memory.log.stored.map(({ span_id }) => span_id !== undefined)).toEqual([true, false, true]);
    expect(memory.bus.hints.map(({ trace }) => trace !== undefined)).toEqual([true, false, true]);
    expect(memory.bus.hints.map(({ hops }) => hops !== undefined)).toEqual([true, false, true]);
  });

  it('begin a trace where the message has none, whose id the entry gets', async () => {
    await ingest([{ id: 'a' }]);
    const process = spans.ended.at(-1)!;
    expect(process.parent).toBeUndefined();
    expect(memory.log.stored[0]!.trace_id).toBe(process.context.trace_id);
  });

  it('are none where the sampler wants none, and then nothing continues the producer', async () => {
    spans.begin = () => undefined;
    await ingest([{ id: 'a' }, from('01')]);
    expect(memory.log.stored[0]).toMatchObject({ trace_id: TRACE, span_id: undefined });
    expect(memory.bus.hints[0]!.trace).toBeUndefined();
  });

  it('tell what became of a message: dead, a duplicate, a conflict', async () => {
    await ingest(['no alert', from('01')]);
    await ingest([{ id: 'a' }, from('01')], [{ id: 'a' }, from('01')], [{ id: 'a', title: 'another' }, from('01')]);
    expect(
      spans.ended
        .filter(({ name }) => name === 'process')
        .map(({ attributes, failed }) => [attributes['tocsin.outcome'], failed]),
    ).toEqual([
      [undefined, 'invalid_json'],
      ['stored', undefined],
      ['duplicate', undefined],
      ['conflict', 'conflict'],
    ]);
  });

  it('end as failed when the log is away, and the next attempt has its own', async () => {
    memory.log.trouble = () => new Unavailable('log', 'away');
    expect(await ingest([{ id: 'a' }, from('01')])).toMatchObject({ kind: 'retry' });
    expect(spans.ended.at(-1)).toMatchObject({ name: 'process', failed: 'unavailable' });
    memory.log.trouble = () => undefined;
    expect(await ingest([{ id: 'a' }, from('01')])).toEqual(settled({ outcome: 'stored' }));
    expect(spans.ended.filter(({ name }) => name === 'process')).toHaveLength(2);
  });
});

it('without tracing the span of a sampled producer is kept, and that of another is not', async () => {
  const memory = new IngestInMemory();
  await memory.inLanes().ingest([aMessage({ id: 'a' }, from('01')), aMessage({ id: 'b' }, from('00'))]);
  expect(memory.log.stored.map(({ trace_id, span_id }) => [trace_id, span_id])).toEqual([
    [TRACE, PRODUCER],
    [TRACE, undefined],
  ]);
});
