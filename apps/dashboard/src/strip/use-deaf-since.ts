import { useEffect, useRef, useState } from 'react';
import type { StreamState, StreamStatus } from '@tocsin/react-client';

/** Whether the page shows the server's present data, or will as soon as the stream is connected. */
const isHeard = (state: StreamState): boolean => ['live', 'catching_up', 'connecting', 'closed'].includes(state);

/**
 * Until when a list is known to be what the server has, by `Date.now()`: it was loaded then, or has followed the stream
 * until then. Null while it is up to date, and when that is not known.
 */
export function asOf({ state, knownUntil }: StreamStatus, loadedAt: number | null): number | null {
  if (isHeard(state)) return null;
  return knownUntil === null || loadedAt === null ? (knownUntil ?? loadedAt) : Math.max(knownUntil, loadedAt);
}

/**
 * When the chart's data ended, by `Date.now()`; null while it is up to date. The period without data begins when the
 * stream last told everything, and ends when the stream is back and the server has counted again. `countedAt` is when
 * it last counted.
 */
export function useDeafSince(
  { state, since: inStateSince, knownUntil }: StreamStatus,
  countedAt: number,
): number | null {
  const [since, setSince] = useState<number | null>(null);
  const backAt = useRef<number | null>(null);
  const heard = isHeard(state);
  useEffect(() => {
    if (!heard) {
      backAt.current = null;
      setSince((before) => before ?? knownUntil ?? inStateSince);
    } else {
      backAt.current ??= Date.now();
      if (countedAt > backAt.current) setSince(null);
    }
  }, [heard, countedAt, inStateSince, knownUntil]);
  return since;
}
