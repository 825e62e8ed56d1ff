import * as api from '@opentelemetry/api';
import * as sdk from '@opentelemetry/sdk-trace';
import { OtelTrace, samplerOf } from './otel-trace';

const PARENT = { trace_id: '0af7651916cd43dd8448eb211c80319c', span_id: 'b7ad6b7169203331', sampled: true };

function opened(samplerName = 'parentbased_always_on', share = 1) {
  const exporter = new sdk.InMemorySpanExporter();
  const { sampler, followsParents, roots } = samplerOf({ api, sdk }, samplerName, share);
  const spanProcessors = [new sdk.SimpleSpanProcessor({ exporter })];
  const provider = new sdk.TracerProvider({ sampler, idGenerator: roots, spanProcessors });
  return { exporter, provider, trace: new OtelTrace({ api, provider, version: '1', followsParents, roots }) };
}

it('a span continues its parent, and has the times, attributes and failure that it was given', () => {
  const { exporter, trace } = opened();
  const at = trace.now() - 250;
  const span = trace.begin('store', { kind: 'consumer', parent: PARENT, at, attributes: { size: 3 } })!;
  expect(span.context).toEqual({ trace_id: PARENT.trace_id, span_id: expect.any(String) as string, sampled: true });
  span.end({ at: at + 200, name: 'store anew', attributes: { seq: 7 }, failed: 'conflict' });

  const [ended] = exporter.getFinishedSpans();
  expect(ended!.parentSpanContext).toMatchObject({ traceId: PARENT.trace_id, spanId: PARENT.span_id });
  expect(ended).toMatchObject({
    name: 'store anew',
    kind: api.SpanKind.CONSUMER,
    attributes: { size: 3, seq: 7 },
    status: { code: api.SpanStatusCode.ERROR, message: 'conflict' },
  });
  const [seconds, nanoseconds] = ended!.duration;
  expect(seconds * 1e3 + nanoseconds / 1e6).toBeCloseTo(200, 0);
});

it('a span without a parent begins a trace', () => {
  const { exporter, trace } = opened();
  trace.begin('alone')!.end();
  expect(exporter.getFinishedSpans()[0]!.parentSpanContext).toBeUndefined();
});

it.each([
  ['parentbased_always_on', [true, false, true]],
  ['parentbased_always_off', [true, false, false]],
  ['parentbased_traceidratio', [true, false, false]],
  ['traceidratio', [false, false, false]],
  ['always_on', [true, true, true]],
  ['always_off', [false, false, false]],
])('%s records with a sampled parent, with one that is not, with none: %j', (name, expected) => {
  const { trace } = opened(name, 0);
  const parents = [PARENT, { ...PARENT, sampled: false }, undefined];
  expect(parents.map((parent) => trace.begin('one', { parent }) !== undefined)).toEqual(expected);
});

it('a share of the traces that begin here is recorded', () => {
  const { trace } = opened('parentbased_traceidratio', 0.25);
  const recorded = Array.from({ length: 4_000 }, () => trace.begin('one')).filter(Boolean).length;
  expect(recorded).toBeGreaterThan(800); // 1,000 are meant; these bounds are seven standard deviations away
  expect(recorded).toBeLessThan(1_200);
});

it('a trace that begins here has an id that every sampler of this share wants, and one of its own', () => {
  const { trace } = opened('parentbased_traceidratio', 0.25);
  const ids = Array.from({ length: 1_000 }, () => trace.begin('one')?.context.trace_id).filter(
    (id) => id !== undefined,
  );
  const other = new sdk.TraceIdRatioBasedSampler(0.25);
  const judged = ids.map((id) => other.shouldSample(api.ROOT_CONTEXT, id).decision);
  expect(new Set(judged)).toEqual(new Set([sdk.SamplingDecision.RECORD_AND_SAMPLED]));
  expect(new Set(ids).size).toBe(ids.length);
});

it('the SDK makes no span of a trace that begins here and is not recorded', () => {
  const { trace, provider } = opened('parentbased_traceidratio', 0);
  const startSpan = jest.spyOn(provider.getTracer('tocsin', '1'), 'startSpan');
  expect(trace.begin('one')).toBeUndefined();
  trace.begin('one', { parent: PARENT });
  expect(startSpan).toHaveBeenCalledTimes(1);
});

it('the clock has fractions, and follows the clock of the system when that is set', () => {
  const { trace } = opened();
  expect(Math.abs(trace.now() - Date.now())).toBeLessThan(5);
  const set = jest.spyOn(Date, 'now').mockReturnValue(1_000_000_000_000);
  expect(trace.now()).toBe(1_000_000_000_000);
  set.mockRestore();
  expect(Math.abs(trace.now() - Date.now())).toBeLessThan(5);
});

it('closing waits for a receiver that is silent for 3 s, and then no longer', async () => {
  jest.useFakeTimers();
  const provider = {
    getTracer: () => new sdk.TracerProvider().getTracer('x'),
    shutdown: () => new Promise<void>(() => undefined),
  };
  const closed = jest.fn();
  void new OtelTrace({ api, provider, version: '1', followsParents: true, roots: { isWanted: () => true } })
    .close()
    .then(closed);
  await jest.advanceTimersByTimeAsync(2_999);
  expect(closed).not.toHaveBeenCalled();
  await jest.advanceTimersByTimeAsync(1);
  expect(closed).toHaveBeenCalled();
  jest.useRealTimers();
});
