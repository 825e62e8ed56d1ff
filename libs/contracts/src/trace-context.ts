/** The place of a span in its trace, as W3C Trace Context has it. */
export interface TraceContext {
  /** 32 hexadecimal digits. */
  trace_id: string;
  /** 16 hexadecimal digits: the span that what comes next continues. */
  span_id: string;
  /** Whether the spans of this trace are recorded. */
  sampled: boolean;
}

/**
 * https://www.w3.org/TR/trace-context/: version, trace id, parent id, flags. Additions of a later version are ignored.
 */
const TRACEPARENT = /^(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})(-|$)/;
const SAMPLED = 1;

/** What a `traceparent` header says; undefined when there is none, or it is not valid. */
export function traceContextOf(traceparent: unknown): TraceContext | undefined {
  const found = typeof traceparent === 'string' ? TRACEPARENT.exec(traceparent) : null;
  if (!found) return undefined;
  return { trace_id: found[1]!, span_id: found[2]!, sampled: (parseInt(found[3]!, 16) & SAMPLED) !== 0 };
}

/** The `traceparent` header of a span. */
export const traceparentOf = ({ trace_id, span_id, sampled }: TraceContext): string =>
  `00-${trace_id}-${span_id}-${sampled ? '01' : '00'}`;

/** The context of an entry. Its span is kept only when the trace is sampled, so a span id alone says that it is. */
export const sampledContext = (
  trace_id: string | null | undefined,
  span_id: string | null | undefined,
): TraceContext | undefined => (trace_id && span_id ? { trace_id, span_id, sampled: true } : undefined);
