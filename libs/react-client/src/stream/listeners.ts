import type { Heard, StreamEventMap, StreamEventName, StreamListener } from './stream-events';

/** Who listens to what. */
export class Listeners {
  private readonly byName = new Map<StreamEventName, Set<StreamListener<StreamEventName>>>();

  add<E extends StreamEventName>(event: E, listener: StreamListener<E>): () => void {
    const set = this.byName.get(event) ?? new Set();
    this.byName.set(event, set);
    // of its own, so that one that is added twice is called twice, and removed once
    const own = ((data: StreamEventMap[E], heard: Heard) => listener(data, heard)) as StreamListener<StreamEventName>;
    set.add(own);
    return () => void set.delete(own);
  }

  /** A listener that throws is reported as any uncaught error, and the others are told all the same. */
  tell<E extends StreamEventName>(event: E, data: StreamEventMap[E], heard: Heard): void {
    for (const listener of [...(this.byName.get(event) ?? [])]) {
      try {
        listener(data, heard);
      } catch (error) {
        queueMicrotask(() => {
          throw error;
        });
      }
    }
  }
}
