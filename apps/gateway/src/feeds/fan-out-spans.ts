import type { Entry, Hint, HopTimes, TenantId, TraceContext } from '@tocsin/contracts';
import type { Trace } from '@tocsin/observability';
import type { EntryBatch } from '../frames/entry-batch';

/**
 * When an entry whose trace is sampled was where, in epoch milliseconds: by the producer, the processor, this gateway.
 */
export interface PassedHops extends Partial<HopTimes> {
  trace: TraceContext;
  occurred: number;
  arrived: number;
  written: number;
}

/** How many entries are kept until their clients say that they were shown; the oldest is dropped for a new one. */
const MOST_KEPT = 1_000;

/**
 * The spans `fan out` of live entries whose traces are sampled: from the arrival in this gateway, by hint or from the
 * log, to written to the sockets of all streams of the tenant. There is one for each gateway, and none for each stream.
 */
export class FanOutSpans {
  private readonly arrivals = new WeakMap<Hint, number>();
  private readonly passed = new Map<string, PassedHops>();
  private readonly heard = new Map<string, HopTimes>();

  constructor(private readonly trace: Trace) {}

  /**
   * A hint of this entry has come. It alone knows the hops before this gateway, and it may come before the entry, with
   * it, or when the entry was already read from the log.
   */
  hinted(tenant: TenantId, { seq, hops }: Hint): void {
    if (this.trace.on && hops) keepNewest(this.heard, keyOf(tenant, seq), hops);
  }

  arrived(hint: Hint): void {
    if (this.trace.on) this.arrivals.set(hint, this.trace.now());
  }

  /** `batch` was written and not yet counted. */
  written(tenant: TenantId, { hints, written }: EntryBatch): void {
    if (!this.trace.on) return;
    for (const hint of hints) {
      if (!hint.trace) continue;
      const at = this.arrivals.get(hint);
      this.trace
        .begin('fan out', {
          kind: 'producer',
          parent: hint.trace,
          at,
          attributes: {
            'tocsin.tenant_id': tenant,
            'tocsin.seq': hint.seq,
            'messaging.batch.message_count': hints.length,
            'tocsin.frames': written.frames,
          },
        })
        ?.end();
      this.keep(tenant, hint, hint.trace, at ?? this.trace.now());
    }
  }

  /** The hops of an entry that this gateway has written live, if it is one of the newest that are traced. */
  find(tenant: string, seq: number): PassedHops | undefined {
    const key = keyOf(tenant, seq);
    const passed = this.passed.get(key);
    return passed && { ...passed, ...this.heard.get(key) };
  }

  private keep(tenant: TenantId, hint: Hint, trace: TraceContext, arrived: number): void {
    const passed = { trace, occurred: occurredAt(hint), arrived, written: this.trace.now() };
    keepNewest(this.passed, keyOf(tenant, hint.seq), passed);
  }
}

function keepNewest<T>(kept: Map<string, T>, key: string, value: T): void {
  kept.set(key, value);
  if (kept.size > MOST_KEPT) kept.delete(kept.keys().next().value!);
}

const keyOf = (tenant: string, seq: number): string => `${tenant} ${seq}`;

/** NaN when its data does not say. */
function occurredAt({ data }: Hint): number {
  try {
    return Date.parse((JSON.parse(data!.toString()) as Entry).occurred_at ?? '');
  } catch {
    return NaN;
  }
}
