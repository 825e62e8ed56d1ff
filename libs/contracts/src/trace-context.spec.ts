import { sampledContext, traceContextOf, traceparentOf } from './trace-context';

const TRACE = '0af7651916cd43dd8448eb211c80319c';
const SPAN = 'b7ad6b7169203331';

it.each([
  [`00-${TRACE}-${SPAN}-01`, { trace_id: TRACE, span_id: SPAN, sampled: true }],
  [`00-${TRACE}-${SPAN}-00`, { trace_id: TRACE, span_id: SPAN, sampled: false }],
  // flags of which we know one
  [`00-${TRACE}-${SPAN}-fe`, { trace_id: TRACE, span_id: SPAN, sampled: false }],
  [`00-${TRACE}-${SPAN}-ff`, { trace_id: TRACE, span_id: SPAN, sampled: true }],
  [`cc-${TRACE}-${SPAN}-01-what-a-later-version-adds`, { trace_id: TRACE, span_id: SPAN, sampled: true }],
  [`00-${TRACE}-${'0'.repeat(16)}-01`, undefined],
  [`00-${'0'.repeat(32)}-${SPAN}-01`, undefined],
  [`ff-${TRACE}-${SPAN}-01`, undefined],
  [`00-${TRACE.toUpperCase()}-${SPAN}-01`, undefined],
  [['an', 'array'], undefined],
  [undefined, undefined],
])('the traceparent %j says %j', (traceparent, says) => expect(traceContextOf(traceparent)).toEqual(says));

it('a context is written as it was read', () => {
  for (const flags of ['00', '01']) {
    const traceparent = `00-${TRACE}-${SPAN}-${flags}`;
    expect(traceparentOf(traceContextOf(traceparent)!)).toBe(traceparent);
  }
});

it('an entry without a span has no context to continue', () => {
  expect(sampledContext(TRACE, SPAN)).toEqual({ trace_id: TRACE, span_id: SPAN, sampled: true });
  expect(sampledContext(TRACE, null)).toBeUndefined();
  expect(sampledContext(null, null)).toBeUndefined();
});
