import { traceContextOf, type HopTimes, type PlannedEvent } from '@tocsin/contracts';
import { recordPart, type Attributes, type Span, type Trace } from '@tocsin/observability';
import type { BatchMessage } from './handle-batch';
import type { ReadMessage } from './read-message';
import type { SoonerOrLater } from './store-result';

/** A message under way. */
interface Traced {
  span: Span;
  taken: number;
}

/**
 * The spans of messages whose traces are sampled: `process`, from taken off the queue to announced, and in it `parse`,
 * `store` and `announce`. The span `process` is kept with the entry, and everything that follows continues it. Messages
 * are handled in batches, so those of a batch have the same times; each has its own spans in its own trace.
 */
export class MessageSpans {
  private readonly spans = new Map<PlannedEvent, Traced>();

  constructor(private readonly trace: Trace) {}

  /** The time for `begin` and `part`. */
  now(): number {
    return this.trace.now();
  }

  /** Begins the spans of a batch that was read. */
  begin(batch: readonly BatchMessage[], read: readonly (readonly ReadMessage[])[], takenAt: number): void {
    if (!this.trace.on) return;
    const size = { 'messaging.batch.message_count': batch.length };
    read.forEach((messages, index) => {
      for (const message of messages) {
        if (message.ok) this.beginOne(message, size, takenAt);
        else this.recordDead(batch[index]!, message.letter.reason, size, takenAt);
      }
    });
  }

  /** Records a part of the work on these events, from `since` until now, except for those whose results are late. */
  part(
    name: 'store' | 'announce',
    events: readonly PlannedEvent[],
    results: readonly SoonerOrLater[],
    since: number,
  ): void {
    if (this.spans.size === 0) return;
    events.forEach((event, index) => {
      const traced = this.spans.get(event);
      if (traced && results[index]!.outcome !== 'late') recordPart(this.trace, name, traced.span.context, since);
    });
  }

  /** The times of an event that is stored now, for its hint. */
  hopsOf(event: PlannedEvent): HopTimes | undefined {
    const traced = this.spans.size > 0 ? this.spans.get(event) : undefined;
    return traced && { taken: traced.taken, stored: this.now() };
  }

  /** Ends the spans of events whose results are known. */
  end(events: readonly PlannedEvent[], results: readonly SoonerOrLater[]): void {
    if (this.spans.size === 0) return;
    events.forEach((event, index) => {
      const result = results[index]!;
      if (result.outcome === 'late') return; // it is ended when its result is known
      const isDead = result.outcome === 'conflict' || result.outcome === 'refused';
      this.endOne(event, {
        attributes: {
          'tocsin.outcome': result.outcome,
          ...(result.outcome === 'stored' && { 'tocsin.seq': result.event.seq }),
        },
        failed: isDead ? result.outcome : undefined,
      });
    });
  }

  /** Ends the spans of events that are tried again later: the next attempt has spans of its own. */
  fail(events: readonly PlannedEvent[]): void {
    if (this.spans.size === 0) return;
    for (const event of events) this.endOne(event, { failed: 'unavailable' });
  }

  private beginOne({ planned, parent }: ReadMessage & { ok: true }, size: Attributes, takenAt: number): void {
    const { tenant_id, service } = planned.message;
    const span = this.trace.begin('process', {
      kind: 'consumer',
      parent,
      at: takenAt,
      attributes: { 'tocsin.tenant_id': tenant_id, 'tocsin.service': service, ...size },
    });
    // what is not recorded here is not recorded by what follows either
    planned.span_id = span?.context.span_id;
    if (!span) return;
    planned.trace_id = span.context.trace_id;
    this.spans.set(planned, { span, taken: takenAt });
    recordPart(this.trace, 'parse', span.context, takenAt);
  }

  private recordDead(received: BatchMessage, reason: string, attributes: Attributes, at: number): void {
    const parent = traceContextOf(received.headers?.['traceparent']);
    this.trace.begin('process', { kind: 'consumer', parent, at, attributes })?.end({ failed: reason });
  }

  private endOne(event: PlannedEvent, end: Parameters<Span['end']>[0]): void {
    this.spans.get(event)?.span.end(end);
    this.spans.delete(event);
  }
}
