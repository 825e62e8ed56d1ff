declare module 'event-source-polyfill' {
  /** As much of it as is used here: the package brings no types. */
  export class EventSourcePolyfill {
    constructor(url: string, options?: { headers?: Record<string, string> });
    addEventListener(name: string, listener: (event: { data: string; lastEventId: string }) => void): void;
    close(): void;
  }
}
