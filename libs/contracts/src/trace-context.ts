/** https://www.w3.org/TR/trace-context/: version, trace id, parent id, flags; what a later version appends is left alone. */
const TRACEPARENT = /^(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}(-|$)/;

/** The trace id of a `traceparent` header; null when there is none, or none that can be understood. */
export const traceIdOf = (traceparent: unknown): string | null => (typeof traceparent === 'string' && TRACEPARENT.exec(traceparent)?.[1]) || null;
