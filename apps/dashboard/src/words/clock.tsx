import { useSyncExternalStore } from 'react';
import { useWords } from './words';
import { agoWords, exactWords } from './time-words';

/** How often the page's relative times are told anew. One timer serves them all. */
const TICK_MS = 15_000;

const listeners = new Set<() => void>();
let timer: ReturnType<typeof setInterval> | undefined;
let offsetMs = 0;
let ticked = Date.now();

/** Sets the difference to the server's clock, by which all times of the page are told. */
export function correctClock(serverAheadMs: number): void {
  // less than a second is the network, not the clock
  offsetMs = Math.abs(serverAheadMs) < 1_000 ? 0 : serverAheadMs;
}

/** The present moment by the server's clock, in milliseconds. */
export const serverNow = (): number => Date.now() + offsetMs;

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

/** The present moment, told anew every 15 s. */
export const useNow = (): number => useSyncExternalStore(subscribe, () => ticked);

/** A moment as how long ago it was; the tooltip has the whole of it. */
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
