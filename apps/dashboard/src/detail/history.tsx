import { useInfiniteQuery } from '@tanstack/react-query';
import { useAlertsApi } from '@tocsin/react-client';
import type { Alert, Entry } from '@tocsin/contracts/wire';
import { SeverityMark } from '../live/severity-mark';
import { Ago, serverNow } from '../words/clock';
import { nameOf } from '../words/people';
import { shownText } from '../words/shown-text';
import { exactWords, momentWords, spanWords } from '../words/time-words';
import { useWords, type Words } from '../words/words';
import { saidThen, spansOf, type Spans } from './history-spans';
import { LinkedText } from './linked-text';
import styles from './drawer.module.css';

/** The history of an alert, newest first. It is loaded again whenever the alert has a newer entry. */
export function History({ alert }: { alert: Alert }) {
  const { t, intl } = useWords();
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
  const spans = spansOf(entries);
  return (
    <>
      <ol className={styles.history} data-testid="history">
        {entries.map((entry, index) => (
          <li key={entry.seq}>
            <span className={styles.dot} data-change={entry.change}>
              {rings(entry) && <SeverityMark severity={entry.severity} size={12} label={false} />}
            </span>
            <div>
              <span>{wordsOf(entry, t)}</span>
              {entry.actor && <span className={styles.muted}> {t('change.by', { user: nameOf(entry.actor) })}</span>}
              {entry.folded > 0 && <span className={styles.muted}> {t('change.folded', { count: entry.folded })}</span>}
              <Occurred entry={entry} />
              <Lasted spans={spans.get(entry.seq)} />
              <SaidThen {...saidThen(entry, entries[index + 1], alert)} />
              {entry.note && <LinkedText text={entry.note} className={styles.note} />}
            </div>
            <span className={styles.at}>
              <time dateTime={entry.received_at} title={exactWords(intl, Date.parse(entry.received_at))}>
                {momentWords(intl, Date.parse(entry.received_at), serverNow())}
              </time>
              <Ago at={entry.received_at} className={styles.ago} />
            </span>
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

/** How long the state lasted that an entry began, and after how long an alert was resolved, as far as that is known. */
function Lasted({ spans }: { spans: Spans | undefined }) {
  const { t, intl } = useWords();
  if (!spans) return null;
  return (
    <span className={styles.muted}>
      {spans.openFor !== undefined && <> {t('history.after', { span: spanWords(intl, spans.openFor) })}</>}
      {spans.lasted !== undefined && <> · {t('history.lasted', { span: spanWords(intl, spans.lasted) })}</>}
    </span>
  );
}

/** A message that comes later than this after what it reports is not news, and says so. */
const LATE_MS = 300_000;

function Occurred({ entry: { occurred_at, received_at } }: { entry: Entry }) {
  const { t, intl } = useWords();
  if (occurred_at === null || Date.parse(received_at) - Date.parse(occurred_at) < LATE_MS) return null;
  const at = Date.parse(occurred_at);
  return (
    <span className={styles.muted} data-testid="occurred" title={exactWords(intl, at)}>
      {' '}
      · {t('history.occurred', { time: momentWords(intl, at, serverNow()) })}
    </span>
  );
}

/** The words that the alert had then, where it has others now. */
function SaidThen({ title, message }: { title: string | null; message: string | null }) {
  if (title === null && message === null) return null;
  return (
    <div className={styles.then} data-testid="said-then">
      {title !== null && <bdi>{shownText(title)}</bdi>}
      {message !== null && <LinkedText text={message} className={styles.thenMessage} />}
    </div>
  );
}

const rings = ({ change }: Entry): boolean =>
  ['raised', 'reopened', 'severity_raised', 'severity_lowered', 'repeated'].includes(change);

function wordsOf(entry: Entry, t: Words): string {
  if (entry.change === 'assigned')
    return entry.assignee === null ? t('change.unassigned') : t('change.assigned', { user: nameOf(entry.assignee) });
  return t(`change.${entry.change}`, { severity: t(`severity.${entry.severity}`) });
}
