import { traceContextOf, type TraceContext } from '@tocsin/contracts';

/** The trace id of a `traceparent` header; null when there is none, or it is not valid. */
export const traceIdOf = (traceparent: unknown): string | null => traceContextOf(traceparent)?.trace_id ?? null;

/** Attributes of a CloudEvent that describe its transport and not its content: the same event may come with others. */
const HOPS = /^(?:traceparent|tracestate|traceid|baggage|b3|knative.*)$/;

/**
 * Metadata without the transport's attributes of a CloudEvent. Only the rest distinguishes one message from another.
 */
export function withoutHops(metadata: unknown): unknown {
  const event = (metadata as { cloudevent?: unknown } | undefined)?.cloudevent;
  if (typeof event !== 'object' || event === null || Array.isArray(event)) return metadata;
  return {
    ...(metadata as object),
    cloudevent: Object.fromEntries(Object.entries(event).filter(([name]) => !HOPS.test(name))),
  };
}

/** The trace of a CloudEvent, by its extension attribute. */
export const traceContextIn = (metadata: Readonly<Record<string, unknown>>): TraceContext | undefined =>
  traceContextOf((metadata.cloudevent as { traceparent?: unknown } | null | undefined)?.traceparent);
