import { useEffect, useRef, useState } from 'react';
import type { StreamState, StreamStatus } from '@tocsin/react-client';

/** Whether the page shows the server's present data, or will as soon as the stream is connected. */
export const isHeard = (state: StreamState): boolean => ['live', 'catching_up', 'connecting', 'closed'].includes(state);

/**
 * When the chart's data ended, by `Date.now()`; null while it is up to date. The period without data begins when the
 * stream was last heard from, and ends when the stream is back and the server has counted again. `countedAt` is when it
 * last counted.
 */
export function useDeafSince(
  { state, since: inStateSince, lastHeardAt }: StreamStatus,
  countedAt: number,
): number | null {
  const [since, setSince] = useState<number | null>(null);
  const backAt = useRef<number | null>(null);
  const heard = isHeard(state);
  useEffect(() => {
    if (!heard) {
      backAt.current = null;
      setSince((before) => before ?? lastHeardAt ?? inStateSince);
    } else {
      backAt.current ??= Date.now();
      if (countedAt > backAt.current) setSince(null);
    }
  }, [heard, countedAt, inStateSince, lastHeardAt]);
  return since;
}
