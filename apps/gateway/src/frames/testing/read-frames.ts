import { createParser, type EventSourceMessage } from 'eventsource-parser';

/** What an independent parser reads from frames. */
export function read(bytes: Buffer | string): { events: EventSourceMessage[]; retry: number[] } {
  const events: EventSourceMessage[] = [];
  const retry: number[] = [];
  createParser({ onEvent: (event) => void events.push(event), onRetry: (ms) => void retry.push(ms) }).feed(
    bytes.toString(),
  );
  return { events, retry };
}
