import styles from './tenant-tiles.module.css';
import { useTenantWords } from './tenant-words';

const WIDTH = 240;
const HEIGHT = 28;
const GAP = 2;

/**
 * The new alerts of 24 hours as bars. An hour that the server did not count completely has no bar, but a dashed line.
 */
export function Sparkline({ timeline }: { timeline: readonly (number | null)[] | undefined }) {
  const w = useTenantWords();
  const known = timeline?.filter((one) => one !== null) ?? [];
  const most = Math.max(1, ...known);
  const sum = known.reduce((total, one) => total + one, 0);
  const words =
    timeline && known.length === timeline.length
      ? w('chart', { count: sum })
      : known.length > 0
        ? w('chart', { count: `${sum}+` })
        : w('chart.notKnown');
  const step = WIDTH / (timeline?.length || 24);
  return (
    <svg
      className={styles.sparkline}
      viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
      preserveAspectRatio="none"
      role="img"
      aria-label={words}
      data-testid="tile-chart"
    >
      <title>{words}</title>
      <line x1={0} x2={WIDTH} y1={HEIGHT - 0.5} y2={HEIGHT - 0.5} className={styles.axis} />
      {timeline?.map((count, at) =>
        count === null ? (
          <line
            key={at}
            x1={at * step}
            x2={(at + 1) * step - GAP}
            y1={HEIGHT / 2}
            y2={HEIGHT / 2}
            className={styles.unknown}
          />
        ) : count > 0 ? (
          <rect
            key={at}
            x={at * step}
            width={step - GAP}
            y={HEIGHT - Math.max(2, (count / most) * HEIGHT)}
            height={Math.max(2, (count / most) * HEIGHT)}
            className={styles.bar}
          />
        ) : null,
      )}
    </svg>
  );
}
