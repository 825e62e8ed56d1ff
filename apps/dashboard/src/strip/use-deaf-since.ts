import { useEffect, useRef, useState } from 'react';
import type { StreamState, StreamStatus } from '@tocsin/react-client';

/** Whether what is shown is what the server has, or is about to be. */
export const isHeard = (state: StreamState): boolean => ['live', 'catching_up', 'connecting', 'closed'].includes(state);

/**
 * Since when the chart knows of nothing, in milliseconds of this machine: from when the stream was last heard until, with the
 * stream back, the server has counted again. `countedAt`: when it last did.
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
