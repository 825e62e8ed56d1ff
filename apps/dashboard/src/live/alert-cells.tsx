import { memo, type MouseEvent } from 'react';
import { Check, CircleCheck, Moon } from 'lucide-react';
import type { Alert } from '@tocsin/contracts/wire';
import { Ago, useNow } from '../words/clock';
import { initialsOf, nameOf } from '../words/people';
import { shownText } from '../words/shown-text';
import { exactWords, spanWords, whenWords } from '../words/time-words';
import { useWords } from '../words/words';
import type { RowActs } from './alert-row';
import { SeverityMark } from './severity-mark';
import styles from './alert-row.module.css';
import { whyItLeft, type Leaving } from './why-it-left';

interface Props {
  alert: Alert;
  isSelected: boolean;
  tenantName: string | null;
  select: RowActs['select'];
  leaving?: Leaving;
}

/**
 * The cells of a row. Everything in them came from a service and is shown as text. They do not depend on the row's
 * place, so a move does not render them again.
 */
export const AlertCells = memo(function AlertCells({ alert, isSelected, tenantName, select, leaving }: Props) {
  const { t } = useWords();
  // what a resolved alert said while it rang belongs to its severity; the words that resolved it stand below
  const { title, message } = alert.while_open ?? alert;
  const recovery = title === alert.title ? null : alert.title;
  const below = recovery ?? message ?? '';
  const onSelect = (event: MouseEvent) => {
    event.stopPropagation();
    select(alert, { range: event.shiftKey });
  };
  return (
    <>
      <div role="gridcell" className={styles.check}>
        <button
          type="button"
          tabIndex={-1}
          role="checkbox"
          aria-checked={isSelected}
          aria-label={t('list.select', { title })}
          onClick={onSelect}
          className={styles.box}
        >
          {isSelected && <Check size={12} strokeWidth={3} aria-hidden />}
        </button>
      </div>
      <div role="gridcell" className={styles.mark}>
        <SeverityMark severity={alert.severity} />
      </div>
      <div role="gridcell" className={styles.text}>
        <div className={styles.title}>
          <bdi className={styles.ellipsis}>{shownText(title)}</bdi>
          {alert.occurrences > 1 && (
            <span className={styles.times} data-number>
              {t('list.times', { count: alert.occurrences })}
            </span>
          )}
        </div>
        <div className={`${styles.message} ${below || tenantName ? '' : styles.empty}`}>
          <span className={styles.inlineService}>{alert.service}</span>
          {tenantName && <span className={styles.tenant}>{below ? `${tenantName} ·` : tenantName}</span>}
          {recovery !== null && <CircleCheck size={13} className={styles.recovery} aria-label={t('status.resolved')} />}
          <bdi className={styles.ellipsis}>{shownText(below)}</bdi>
        </div>
      </div>
      <div role="gridcell" className={styles.service} title={alert.service}>
        {alert.service}
      </div>
      <div role="gridcell" className={styles.state}>
        {leaving ? <WhyLeft leaving={leaving} /> : <State alert={alert} />}
      </div>
      <div role="gridcell" className={styles.who}>
        {alert.assignee && (
          <span
            className={styles.avatar}
            role="img"
            title={alert.assignee}
            aria-label={t('list.assigned', { user: nameOf(alert.assignee) })}
          >
            {initialsOf(alert.assignee)}
          </span>
        )}
      </div>
      <div role="gridcell" className={styles.when}>
        <Ago at={alert.resolved_at ?? alert.last_seen_at} />
      </div>
    </>
  );
});

/** Why a row is about to go, in the words of what happened; nothing when that is not known. */
function WhyLeft({ leaving }: { leaving: Leaving }) {
  const { t, intl } = useWords();
  const time = useNow();
  const why = whyItLeft(leaving);
  const { now } = leaving;
  if (!now || why === 'unknown') return null;
  const by = now.actor ? nameOf(now.actor) : null;
  const words = (): string => {
    if (why === 'unassigned') return t('left.unassigned');
    if (why === 'assigned') return t('change.assigned', { user: nameOf(now.assignee!) });
    if (why === 'no_match') return t('left.noMatch');
    if (now.status === 'snoozed' && now.snoozed_until)
      return t('left.until', { time: whenWords(intl, Date.parse(now.snoozed_until), time) });
    if (by === null || now.status === 'firing') return t(`left.${now.status}`);
    return t('left.by', { what: t(`left.${now.status}`), user: by });
  };
  return (
    <span className={styles.leaving} data-testid="why-left" title={words()}>
      {words()}
    </span>
  );
}

/** The alert's status, unless it is firing: a list of open alerts need not say so in every row. */
export function State({ alert }: { alert: Alert }) {
  const { t } = useWords();
  if (alert.status === 'firing') return null;
  const by = alert.actor ? nameOf(alert.actor) : undefined;
  if (alert.status === 'acknowledged')
    return (
      <span className={styles.acknowledged} title={by && t('change.by', { user: by })}>
        <HalfCircle />
        <span>{by ?? t('status.acknowledged')}</span>
        <span className="hidden">{t('status.acknowledged')}</span>
      </span>
    );
  return alert.status === 'resolved' ? <Resolved alert={alert} /> : <Snoozed until={alert.snoozed_until} />;
}

function Snoozed({ until }: { until: string | null }) {
  const { t, intl } = useWords();
  const now = useNow();
  const at = until === null ? null : Date.parse(until);
  const snoozed = t('status.snoozed');
  return (
    <span className={styles.snoozed} title={at === null ? snoozed : `${snoozed} · ${exactWords(intl, at)}`}>
      <Moon size={14} aria-hidden />
      <span className={styles.ellipsis}>
        {at === null ? snoozed : t('status.until', { time: whenWords(intl, at, now) })}
      </span>
    </span>
  );
}

/** Who resolved an alert, a user or its service, and how long it had been open; nothing of what is not known. */
function Resolved({ alert }: { alert: Alert }) {
  const { t, intl } = useWords();
  const { actor, service, opened_at, resolved_at, while_open } = alert;
  const by = t('change.by', { user: actor ? nameOf(actor) : service });
  const openFor = resolved_at && opened_at && while_open ? Date.parse(resolved_at) - Date.parse(opened_at) : null;
  const after = openFor === null ? '' : t('history.after', { span: spanWords(intl, openFor) });
  const words = after ? `${by} · ${after}` : by;
  const at = resolved_at ? exactWords(intl, Date.parse(resolved_at)) : '';
  return (
    <span className={styles.resolved} data-testid="resolved-by" title={at ? `${words}, ${at}` : words}>
      <CircleCheck size={14} aria-hidden />
      <span className="hidden">{t('status.resolved')} </span>
      <bdi className={styles.ellipsis}>{by}</bdi>
      {after && <span className={styles.after}>· {after}</span>}
    </span>
  );
}

const HalfCircle = () => (
  <svg width="14" height="14" viewBox="0 0 14 14" aria-hidden style={{ flex: 'none' }}>
    <circle cx="7" cy="7" r="5.5" fill="none" stroke="currentColor" strokeWidth="1.5" />
    <path d="M7 1.5a5.5 5.5 0 0 1 0 11Z" fill="currentColor" />
  </svg>
);
