/** https://www.w3.org/TR/trace-context/: version, trace id, parent id, flags; what a later version appends is left alone. */
const TRACEPARENT = /^(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}(-|$)/;

/** The trace id of a `traceparent` header; null when there is none, or none that can be understood. */
export const traceIdOf = (traceparent: unknown): string | null =>
  (typeof traceparent === 'string' && TRACEPARENT.exec(traceparent)?.[1]) || null;

/** Attributes of a CloudEvent that tell of its way and not of what happened: the same event may come with others. */
const HOPS = /^(?:traceparent|tracestate|traceid|baggage|b3|knative.*)$/;

/** Metadata without what the way of a CloudEvent has left in it: what tells one message from another. */
export function withoutHops(metadata: unknown): unknown {
  const event = (metadata as { cloudevent?: unknown } | undefined)?.cloudevent;
  if (typeof event !== 'object' || event === null || Array.isArray(event)) return metadata;
  return {
    ...(metadata as object),
    cloudevent: Object.fromEntries(Object.entries(event).filter(([name]) => !HOPS.test(name))),
  };
}

/** The trace that a CloudEvent is part of, by its extension attribute. */
export const traceIdIn = (metadata: Readonly<Record<string, unknown>>): string | null =>
  traceIdOf((metadata.cloudevent as { traceparent?: unknown } | null | undefined)?.traceparent);
