import type { Hint, TenantId } from '@tocsin/contracts';
import type { Trace } from '@tocsin/observability';
import type { EntryBatch } from '../frames/entry-batch';

/**
 * The spans `fan out` of live entries whose traces are sampled: from the arrival in this gateway, by hint or from the
 * log, to written to the sockets of all streams of the tenant. There is one for each gateway, and none for each stream.
 */
export class FanOutSpans {
  private readonly arrivals = new WeakMap<Hint, number>();

  constructor(private readonly trace: Trace) {}

  arrived(hint: Hint): void {
    if (this.trace.on) this.arrivals.set(hint, this.trace.now());
  }

  /** `batch` was written and not yet counted. */
  written(tenant: TenantId, { hints, written }: EntryBatch): void {
    if (!this.trace.on) return;
    for (const hint of hints) {
      if (!hint.trace) continue;
      this.trace
        .begin('fan out', {
          kind: 'producer',
          parent: hint.trace,
          at: this.arrivals.get(hint),
          attributes: {
            'tocsin.tenant_id': tenant,
            'tocsin.seq': hint.seq,
            'messaging.batch.message_count': hints.length,
            'tocsin.frames': written.frames,
          },
        })
        ?.end();
    }
  }
}
