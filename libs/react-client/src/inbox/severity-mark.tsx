import type { ReactNode } from 'react';
import type { Severity } from '@tocsin/contracts/wire';

/** A shape for each severity, so that colour is never the only sign. */
const SHAPES: Record<Severity, string> = {
  urgent: 'M5 1h6l4 4v6l-4 4H5l-4-4V5z',
  high: 'M8 1l7.5 14H.5z',
  medium: 'M8 0l8 8-8 8-8-8z',
  low: 'M8 1a7 7 0 1 1 0 14A7 7 0 0 1 8 1z',
};

/** The severity as a shape, with a word for screen readers. */
export function SeverityMark({ severity, word }: { severity: Severity; word: string }): ReactNode {
  return (
    <svg
      className={`tocsin-mark tocsin-${severity}`}
      viewBox="0 0 16 16"
      width="16"
      height="16"
      role="img"
      aria-label={word}
    >
      <path d={SHAPES[severity]} fill="currentColor" />
    </svg>
  );
}
