import { lazy, memo, useMemo } from 'react';
import { ChevronDown, ChevronUp } from 'lucide-react';
import { SEVERITIES, type AlertFacets, type AlertStats, type Severity } from '@tocsin/contracts/wire';
import { Late } from '../live/late';
import { SeverityMark } from '../live/severity-mark';
import { usePreference } from '../settings/preferences';
import { onServer, serverNow, useNow } from '../words/clock';
import { whenWords } from '../words/time-words';
import { useWords } from '../words/words';
import buttons from '../settings/icon-button.module.css';
import { SPANS, type Span } from './spans';
import styles from './severity-strip.module.css';

/** The chart and its library are loaded after the page. */
const Bars = lazy(() => import('./bars'));

interface Props {
  /** What the numbers are about, in words: the view and the filters of the list. */
  scope: string;
  stats: AlertStats | undefined;
  facets: AlertFacets | undefined;
  /** Whether the snoozed alerts are not in the list, and counted apart. */
  snoozedApart: boolean;
  /** When the data of the chart ended, if the stream is lost, by `Date.now()`; else null. */
  deafSince: number | null;
  span: Span;
  chosen: readonly Severity[];
  onSpan(span: Span): void;
  onSeverity(severity: Severity): void;
  onRange(from: Date, to: Date): void;
}

/** Shows whether things are getting worse: the open alerts by severity, and a chart of when alerts came. */
export const SeverityStrip = memo(function SeverityStrip({
  scope,
  stats,
  facets,
  snoozedApart,
  deafSince,
  span,
  chosen,
  onSpan,
  onSeverity,
  onRange,
}: Props) {
  const { t, intl } = useWords();
  const [isOpen, setOpen] = usePreference('strip');
  const now = useNow();
  const deaf = useMemo<[number, number] | null>(
    () => (deafSince === null ? null : [onServer(deafSince), Math.max(now, serverNow())]),
    [deafSince, now],
  );
  return (
    <section className={styles.strip} aria-label={t('strip.label')} data-open={isOpen}>
      <p className={styles.scope} data-testid="scope" title={scope}>
        <bdi>{scope}</bdi>
      </p>
      <div className={styles.counters}>
        {SEVERITIES.map((severity) => {
          const count = facets && (facets.severity[severity] ?? (facets.complete ? 0 : undefined));
          const snoozed = (snoozedApart && facets?.snoozed[severity]) || 0;
          return (
            <button
              key={severity}
              type="button"
              className={styles.counter}
              data-severity={severity}
              data-zero={count === 0}
              aria-pressed={chosen.includes(severity)}
              onClick={() => onSeverity(severity)}
            >
              <span className={styles.number} data-number data-testid={`open-${severity}`}>
                {count === undefined ? '–' : intl.formatNumber(count) + (facets!.complete ? '' : '+')}
              </span>
              <span className={styles.word}>
                <SeverityMark severity={severity} size={12} label={false} />
                {t(`severity.${severity}`)}
                {snoozed > 0 && (
                  <span className={styles.snoozed} data-testid={`snoozed-${severity}`}>
                    {t('strip.snoozed', { count: snoozed })}
                  </span>
                )}
              </span>
            </button>
          );
        })}
      </div>
      {isOpen && (
        <div className={styles.chart}>
          <div className={styles.spans} role="group" aria-label={t('strip.span')}>
            {SPANS.map((one) => (
              <button key={one} type="button" aria-pressed={one === span} onClick={() => onSpan(one)}>
                {t(`strip.${one}`)}
              </button>
            ))}
          </div>
          <Late>{stats && <Bars stats={stats} deaf={deaf} onRange={onRange} />}</Late>
          {stats && <Table stats={stats} />}
          {deaf && (
            <p className="hidden" data-testid="deaf">
              {t('strip.deaf', { time: whenWords(intl, deaf[0], now) })}
            </p>
          )}
        </div>
      )}
      <button
        type="button"
        className={`${buttons.button} ${styles.fold}`}
        aria-label={t(isOpen ? 'strip.hide' : 'strip.show')}
        aria-expanded={isOpen}
        onClick={() => setOpen(!isOpen)}
      >
        {isOpen ? <ChevronUp size={16} aria-hidden /> : <ChevronDown size={16} aria-hidden />}
      </button>
    </section>
  );
});

/** The chart as a table for screen readers, with only the buckets that have alerts. */
function Table({ stats }: { stats: AlertStats }) {
  const { t, intl } = useWords();
  const busy = stats.timeline.filter((bucket) => SEVERITIES.some((severity) => bucket[severity] > 0));
  return (
    <div className="hidden">
      <table>
        <caption>{t('strip.chart')}</caption>
        <thead>
          <tr>
            <th scope="col">{t('strip.time')}</th>
            {SEVERITIES.map((severity) => (
              <th key={severity} scope="col">
                {t(`severity.${severity}`)}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {busy.map((bucket) => (
            <tr key={bucket.at}>
              <th scope="row">{intl.formatDate(bucket.at, { dateStyle: 'short', timeStyle: 'short' })}</th>
              {SEVERITIES.map((severity) => (
                <td key={severity}>{bucket[severity]}</td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
