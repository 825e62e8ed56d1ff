import type { TraceContext } from '@tocsin/contracts';

export type Attributes = Readonly<Record<string, string | number | boolean>>;

export interface SpanStart {
  /** Default `internal`. */
  kind?: 'internal' | 'server' | 'client' | 'producer' | 'consumer';
  /** The span that this one continues, of any process. Without it the span begins a trace. */
  parent?: TraceContext | undefined;
  /** When it began, by `Trace.now`. Default: now. */
  at?: number | undefined;
  attributes?: Attributes;
}

export interface SpanEnd {
  /** When it ended, by `Trace.now`. Default: now. */
  at?: number;
  /** A name instead of the first one, where only the end knows it. */
  name?: string;
  attributes?: Attributes;
  /** Why what the span stands for has failed, in a word. */
  failed?: string | undefined;
}

/** A span that is recorded. One that is never ended is never exported. */
export interface Span {
  /** For the spans that continue it, in this process or in others. */
  readonly context: TraceContext;
  /** Call it once. */
  end(end?: SpanEnd): void;
}

/**
 * The spans of a process, which are begun by hand where work happens. Nothing here throws, waits or blocks: a collector
 * that is away costs spans, and never an alert.
 */
export abstract class Trace {
  /** Whether any span may be recorded. It never changes, so that a hot path needs one check. */
  abstract readonly on: boolean;
  /** Begins a span. Undefined when the sampler does not want it; then its children are not to be begun either. */
  abstract begin(name: string, start?: SpanStart): Span | undefined;
  /** The time for `at`, in epoch milliseconds with a fraction. */
  abstract now(): number;
  /** Sends what waits, for 3 s at most. May be called twice. Never rejects. */
  abstract close(): Promise<void>;
}

/** No tracing. */
export class NoTrace extends Trace {
  override readonly on = false;
  override begin(): undefined {}
  override now(): number {
    return 0;
  }
  override async close(): Promise<void> {}
}

/** A span within another, from `at` until now. */
export function recordPart(trace: Trace, name: string, parent: TraceContext, at: number): void {
  trace.begin(name, { parent, at })?.end();
}
