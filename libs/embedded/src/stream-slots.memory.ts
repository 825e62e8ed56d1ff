import { HeldStreams, slotsOf, type StreamHolder, type StreamLimits } from '@tocsin/contracts';
import type { StreamSlots, TakeResult } from '@tocsin/contracts/ports';

/** Counts streams in one process. Its counts are complete, and they end with the process. */
export class MemoryStreamSlots implements StreamSlots {
  private readonly held = new HeldStreams();

  take(holder: StreamHolder, limits: StreamLimits): Promise<TakeResult> {
    const slots = slotsOf(holder, limits);
    const full = this.held.has(holder) ? undefined : this.held.fullScope(slots);
    if (full) return Promise.resolve({ full });
    this.held.add(holder, limits);
    return Promise.resolve('taken');
  }

  release(holder: StreamHolder): void {
    this.held.remove(holder);
  }
}
