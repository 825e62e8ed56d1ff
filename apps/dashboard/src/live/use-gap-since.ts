import { useEffect, useRef, useState } from 'react';
import { useAlertStream, type Gap } from '@tocsin/react-client';
import { serverNow } from '../words/clock';

/**
 * When the stream was last heard before entries were missed, in milliseconds of the server's clock. Null while that is
 * not known: for a page that was opened with a gap, and for a gap within a connection, whose beginning is not told.
 */
export function useGapSince(gap: Gap | null): number | null {
  const [since, setSince] = useState<number | null>(null);
  const lastHeardAt = useRef<number | null>(null);
  const isFollowing = useRef(false);
  useEffect(() => {
    if (gap === null) isFollowing.current = false;
  }, [gap]);
  const hear = () => void (lastHeardAt.current = serverNow());
  useAlertStream({
    heartbeat: hear,
    entry: hear,
    // told before anything else of a new connection is heard
    gap: ({ tenants }) => {
      const from = tenants.some(({ missed }) => missed === null) ? null : lastHeardAt.current;
      // gaps add up until the list is loaded again: the number is known if each of them is
      const follows = isFollowing.current;
      isFollowing.current = true;
      setSince((first) => (follows && from !== null ? first : from));
    },
  });
  return since;
}
