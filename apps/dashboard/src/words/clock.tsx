import { useSyncExternalStore } from 'react';
import { useWords } from './words';
import { agoWords, exactWords } from './time-words';

/** How often the page's relative times are updated. One timer serves them all. */
const TICK_MS = 15_000;

const listeners = new Set<() => void>();
let timer: ReturnType<typeof setInterval> | undefined;
let offsetMs = 0;
let ticked = Date.now();

/** Sets the difference to the server's clock, which all times of the page use. */
export function correctClock(serverAheadMs: number): void {
  // less than a second is network delay, not a wrong clock
  offsetMs = Math.abs(serverAheadMs) < 1_000 ? 0 : serverAheadMs;
}

/** The present time by the server's clock, in milliseconds. */
export const serverNow = (): number => Date.now() + offsetMs;

/** A time by this browser's clock, as the server's clock has it. Both are in milliseconds. */
export const onServer = (at: number): number => at + offsetMs;

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  timer ??= setInterval(() => {
    ticked = serverNow();
    for (const each of listeners) each();
  }, TICK_MS);
  return () => {
    listeners.delete(listener);
    if (listeners.size > 0) return;
    clearInterval(timer);
    timer = undefined;
  };
}

/** The present time by the server's clock, in milliseconds, updated every 15 s. */
export const useNow = (): number => useSyncExternalStore(subscribe, () => ticked);

/** Shows how long ago a time was; the tooltip has the exact time. */
export function Ago({ at, className }: { at: string; className?: string }) {
  const { intl } = useWords();
  const now = useNow();
  const time = Date.parse(at);
  return (
    <time dateTime={at} title={exactWords(intl, time)} className={className}>
      {agoWords(intl, time, Math.max(now, time))}
    </time>
  );
}
