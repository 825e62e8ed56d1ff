import type { TraceContext } from '@tocsin/contracts';
import { Trace, type Attributes, type Span, type SpanStart } from '../trace/trace';

/** A span that was ended. */
export interface EndedSpan {
  name: string;
  kind: NonNullable<SpanStart['kind']>;
  context: TraceContext;
  /** The id of the span that it continues. */
  parent: string | undefined;
  at: number;
  endedAt: number;
  attributes: Attributes;
  failed: string | undefined;
}

/** Keeps the spans that were ended, in that order. It follows the parent, and records what has none. */
export class SpansInMemory extends Trace {
  override readonly on = true;
  readonly ended: EndedSpan[] = [];
  private begun = 0;

  override begin(name: string, { kind = 'internal', parent, at, attributes }: SpanStart = {}): Span | undefined {
    if (parent && !parent.sampled) return undefined;
    const span_id = (this.begun += 1).toString(16).padStart(16, '0');
    const context = { trace_id: parent?.trace_id ?? `${span_id}${span_id}`, span_id, sampled: true };
    const started = at ?? this.now();
    return {
      context,
      end: (end = {}) =>
        void this.ended.push({
          name: end.name ?? name,
          kind,
          context,
          parent: parent?.span_id,
          at: started,
          endedAt: end.at ?? this.now(),
          attributes: { ...attributes, ...end.attributes },
          failed: end.failed,
        }),
    };
  }

  override now(): number {
    return performance.timeOrigin + performance.now();
  }

  override async close(): Promise<void> {}

  /** The name of each span with that of its parent. */
  get tree(): [name: string, parent: string | undefined][] {
    const names = new Map(this.ended.map(({ name, context }) => [context.span_id, name]));
    return this.ended.map(({ name, parent }) => [name, parent && (names.get(parent) ?? parent)]);
  }
}
