import { useState } from 'react';
import { useAlertStream } from '@tocsin/react-client';
import { serverNow } from '../words/clock';

/**
 * When the last entry came, to the second: in a burst, more precision would render the page two hundred times a second.
 */
export function useLastEntryAt(): number | null {
  const [at, setAt] = useState<number | null>(null);
  useAlertStream({
    entry: () => setAt((before) => (before !== null && serverNow() - before < 1_000 ? before : serverNow())),
  });
  return at;
}
