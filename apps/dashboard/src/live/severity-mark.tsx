import type { Severity } from '@tocsin/contracts/wire';
import { useWords } from '../words/words';

// A shape for each severity, so that colour is never the only sign: octagon, triangle, diamond, circle.
const SHAPES: Record<Severity, { outline: string; sign: string }> = {
  urgent: { outline: 'M5.2 1h5.6L15 5.2v5.6L10.8 15H5.2L1 10.8V5.2Z', sign: 'M8 4.2v4.6M8 11.4v.2' },
  high: { outline: 'M8 1.2 15.4 14.6H.6Z', sign: 'M8 6v4M8 12.3v.1' },
  medium: { outline: 'M8 .6 15.4 8 8 15.4.6 8Z', sign: 'M8 4.6v4.2M8 11.3v.1' },
  low: { outline: 'M8 1a7 7 0 1 0 0 14A7 7 0 0 0 8 1Z', sign: 'M8 4.5v.1M8 7.2v4.4' },
};

/** A severity as a shape, with its word for screen readers. Use `label={false}` where the word is beside it. */
export function SeverityMark({
  severity,
  size = 16,
  label = true,
}: {
  severity: Severity;
  size?: number;
  label?: boolean;
}) {
  const { t } = useWords();
  const { outline, sign } = SHAPES[severity];
  return (
    <svg
      width={size}
      height={size}
      viewBox="0 0 16 16"
      role={label ? 'img' : undefined}
      aria-label={label ? t(`severity.${severity}`) : undefined}
      aria-hidden={label ? undefined : true}
      style={{ flex: 'none', display: 'block' }}
    >
      <path
        d={outline}
        fill={`var(--${severity})`}
        stroke={`var(--${severity})`}
        strokeWidth="1"
        strokeLinejoin="round"
      />
      <path d={sign} stroke={`var(--${severity}-on)`} strokeWidth="1.7" strokeLinecap="round" fill="none" />
    </svg>
  );
}
