import { HeldStreams, slotsOf, type StreamHolder, type StreamLimits } from '@tocsin/contracts';
import type { StreamSlots, TakeResult } from '@tocsin/contracts/ports';

/** Streams counted in one process: what it holds is all there is, and ends with it. */
export class MemoryStreamSlots implements StreamSlots {
  private readonly held = new HeldStreams();

  take(holder: StreamHolder, limits: StreamLimits): Promise<TakeResult> {
    const slots = slotsOf(holder, limits);
    const full = this.held.has(holder) ? undefined : this.held.fullScope(slots);
    if (full) return Promise.resolve({ full });
    this.held.add(holder, slots);
    return Promise.resolve('taken');
  }

  release(holder: StreamHolder): void {
    this.held.remove(holder);
  }
}
