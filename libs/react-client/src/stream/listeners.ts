import type { Heard, StreamEventMap, StreamEventName, StreamListener } from './stream-events';

/** The listeners of a stream, by event name. */
export class Listeners {
  private readonly byName = new Map<StreamEventName, Set<StreamListener<StreamEventName>>>();

  add<E extends StreamEventName>(event: E, listener: StreamListener<E>): () => void {
    const set = this.byName.get(event) ?? new Set();
    this.byName.set(event, set);
    // a wrapper for each call: a listener that is added twice is called twice, and each unsubscribe removes one of the
    // two
    const own = ((data: StreamEventMap[E], heard: Heard) => listener(data, heard)) as StreamListener<StreamEventName>;
    set.add(own);
    return () => void set.delete(own);
  }

  /**
   * Calls the listeners. If one throws, the error is reported as an uncaught error and the others are called all the
   * same.
   */
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
