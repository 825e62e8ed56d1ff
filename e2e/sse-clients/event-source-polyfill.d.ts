declare module 'event-source-polyfill' {
  /** The part that is used here: the package has no types. */
  export class EventSourcePolyfill {
    constructor(url: string, options?: { headers?: Record<string, string> });
    addEventListener(name: string, listener: (event: { data: string; lastEventId: string }) => void): void;
    close(): void;
  }
}
