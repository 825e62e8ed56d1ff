import { useInfiniteQuery } from '@tanstack/react-query';
import { useAlertsApi } from '@tocsin/react-client';
import type { Alert, Entry } from '@tocsin/contracts/wire';
import { SeverityMark } from '../live/severity-mark';
import { Ago } from '../words/clock';
import { nameOf } from '../words/people';
import { useWords, type Words } from '../words/words';
import { LinkedText } from './linked-text';
import styles from './drawer.module.css';

/** The history of an alert, newest first. It is loaded again whenever the alert has a newer entry. */
export function History({ alert }: { alert: Alert }) {
  const { t } = useWords();
  const api = useAlertsApi();
  const { data, error, isPending, hasNextPage, fetchNextPage, refetch } = useInfiniteQuery({
    queryKey: ['history', alert.alert_id, alert.last_seq],
    queryFn: ({ pageParam, signal }) => api.history(alert.alert_id, pageParam ? { after: pageParam } : {}, signal),
    initialPageParam: null as string | null,
    getNextPageParam: ({ next }) => next,
    // the present history stays on screen while the newer one is loaded
    placeholderData: (before, query) => (query?.queryKey[1] === alert.alert_id ? before : undefined),
  });
  if (error)
    return (
      <p className={styles.muted}>
        {error.message}{' '}
        <button type="button" className={styles.textButton} onClick={() => void refetch()}>
          {t('error.retry')}
        </button>
      </p>
    );
  if (isPending)
    return (
      <ol className={styles.history} aria-busy>
        {[0, 1].map((n) => (
          <li key={n} className={styles.skeleton} />
        ))}
      </ol>
    );
  const entries = data.pages.flatMap(({ events }) => events);
  return (
    <>
      <ol className={styles.history} data-testid="history">
        {entries.map((entry) => (
          <li key={entry.seq}>
            <span className={styles.dot} data-change={entry.change}>
              {rings(entry) && <SeverityMark severity={entry.severity} size={12} label={false} />}
            </span>
            <div>
              <span>{wordsOf(entry, t)}</span>
              {entry.actor && <span className={styles.muted}> {t('change.by', { user: nameOf(entry.actor) })}</span>}
              {entry.folded > 0 && <span className={styles.muted}> {t('change.folded', { count: entry.folded })}</span>}
              {entry.note && <LinkedText text={entry.note} className={styles.note} />}
            </div>
            <Ago at={entry.received_at} className={styles.at} />
          </li>
        ))}
      </ol>
      {hasNextPage && (
        <button type="button" className={styles.textButton} onClick={() => void fetchNextPage()}>
          {t('drawer.olderHistory')}
        </button>
      )}
    </>
  );
}

const rings = ({ change }: Entry): boolean =>
  ['raised', 'reopened', 'severity_raised', 'severity_lowered', 'repeated'].includes(change);

function wordsOf(entry: Entry, t: Words): string {
  if (entry.change === 'assigned')
    return entry.assignee === null ? t('change.unassigned') : t('change.assigned', { user: nameOf(entry.assignee) });
  return t(`change.${entry.change}`, { severity: t(`severity.${entry.severity}`) });
}
