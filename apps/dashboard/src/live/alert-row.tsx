import { memo, useRef, type MouseEvent, type PointerEvent } from 'react';
import { AlarmClock, Check, CircleCheck, CircleDot, Moon } from 'lucide-react';
import type { Alert } from '@tocsin/contracts/wire';
import { Ago } from '../words/clock';
import { initialsOf, nameOf } from '../words/people';
import { useWords } from '../words/words';
import { SeverityMark } from './severity-mark';
import styles from './alert-row.module.css';

/** What a row can be asked to do. One object for all rows, so that none is drawn again for it. */
export interface RowActs {
  open(alert: Alert): void;
  select(alert: Alert, how: { range: boolean }): void;
  focus(alert: Alert): void;
  acknowledge(alerts: readonly Alert[]): void;
  resolve(alerts: readonly Alert[]): void;
  snooze(alerts: readonly Alert[]): void;
}

interface Props {
  alert: Alert;
  /** 1-based, in the whole grid. */
  index: number;
  top: number;
  height: number;
  isCurrent: boolean;
  isSelected: boolean;
  isOpen: boolean;
  isUnseen: boolean;
  tenantName: string | null;
  mayAct: boolean;
  acts: RowActs;
}

/** A row that is lower has room for one line. */
const COMPACT_BELOW_PX = 48;
/** How far a finger has to move a row for it to be meant. */
const SWIPE_PX = 72;

/** One alert. Everything that it says came from a service and is shown as text. */
export const AlertRow = memo(function AlertRow({ alert, index, top, height, isCurrent, isSelected, isOpen, isUnseen, tenantName, mayAct, acts }: Props) {
  const { t } = useWords();
  const row = useRef<HTMLDivElement>(null);
  const swipe = useSwipe(row, mayAct, { right: () => acts.acknowledge([alert]), left: () => acts.snooze([alert]) });
  const select = (event: MouseEvent) => {
    event.stopPropagation();
    acts.select(alert, { range: event.shiftKey });
  };
  const act = (does: (alerts: readonly Alert[]) => void) => (event: MouseEvent) => {
    event.stopPropagation();
    does([alert]);
  };
  const isClosed = alert.status === 'resolved';
  const names = [styles.row, isUnseen && styles.unseen, isClosed && styles.closed, isSelected && styles.selected, isOpen && styles.open].filter(Boolean).join(' ');
  return (
    <div
      ref={row}
      role="row"
      aria-rowindex={index}
      aria-selected={isSelected}
      tabIndex={isCurrent ? 0 : -1}
      data-alert={alert.alert_id}
      data-severity={alert.severity}
      data-status={alert.status}
      data-compact={height < COMPACT_BELOW_PX}
      className={names}
      style={{ transform: `translateY(${top}px)`, height }}
      onClick={() => acts.open(alert)}
      onFocus={() => acts.focus(alert)}
      {...swipe}
    >
      <div role="gridcell" className={styles.check}>
        <button type="button" tabIndex={-1} role="checkbox" aria-checked={isSelected} aria-label={t('list.select', { title: alert.title })} onClick={select} className={styles.box}>
          {isSelected && <Check size={12} strokeWidth={3} aria-hidden />}
        </button>
      </div>
      <div role="gridcell" className={styles.mark}>
        <SeverityMark severity={alert.severity} />
      </div>
      <div role="gridcell" className={styles.text}>
        <div className={styles.title}>
          <bdi className={styles.ellipsis}>{alert.title}</bdi>
          {alert.occurrences > 1 && <span className={styles.times} data-number>{t('list.times', { count: alert.occurrences })}</span>}
        </div>
        <div className={styles.message}>
          <span className={styles.inlineService}>{alert.service}</span>
          {tenantName && <span className={styles.tenant}>{alert.message ? `${tenantName} ·` : tenantName}</span>}
          <bdi className={styles.ellipsis}>{alert.message ?? ''}</bdi>
        </div>
      </div>
      <div role="gridcell" className={styles.service} title={alert.service}>{alert.service}</div>
      <div role="gridcell" className={styles.state}><State alert={alert} /></div>
      <div role="gridcell" className={styles.who}>
        {alert.assignee && <span className={styles.avatar} role="img" title={alert.assignee} aria-label={t('list.assigned', { user: nameOf(alert.assignee) })}>{initialsOf(alert.assignee)}</span>}
      </div>
      <div role="gridcell" className={styles.when}>
        <Ago at={alert.last_seen_at} />
      </div>
      {mayAct && !isClosed && (
        <div role="gridcell" className={styles.acts}>
          {alert.status !== 'acknowledged' && <RowButton label={t('act.acknowledge')} letter="A" onClick={act(acts.acknowledge)}><CircleDot size={16} aria-hidden /></RowButton>}
          <RowButton label={t('act.resolve')} letter="R" onClick={act(acts.resolve)}><CircleCheck size={16} aria-hidden /></RowButton>
          <RowButton label={t('act.snooze')} letter="S" onClick={act(acts.snooze)}><AlarmClock size={16} aria-hidden /></RowButton>
        </div>
      )}
    </div>
  );
});

function RowButton({ label, letter, onClick, children }: { label: string; letter: string; onClick: (event: MouseEvent) => void; children: React.ReactNode }) {
  // The keys of the grid reach the same acts: forty rows times three buttons are no way to walk.
  return (
    <button type="button" tabIndex={-1} title={`${label} (${letter})`} aria-label={label} onClick={onClick} className={styles.act}>
      {children}
    </button>
  );
}

/** The state, unless it is the usual one: a list of open alerts need not say so on every line. */
export function State({ alert }: { alert: Alert }) {
  const { t, intl } = useWords();
  if (alert.status === 'firing') return null;
  const by = alert.actor ? nameOf(alert.actor) : undefined;
  if (alert.status === 'acknowledged') return <span className={styles.acknowledged} title={by && t('change.by', { user: by })}><HalfCircle /><span>{by ?? t('status.acknowledged')}</span><span className="hidden">{t('status.acknowledged')}</span></span>;
  if (alert.status === 'resolved') return <span className={styles.resolved} title={by && t('change.by', { user: by })}><CircleCheck size={14} aria-hidden />{t('status.resolved')}</span>;
  const until = alert.snoozed_until && intl.formatTime(alert.snoozed_until, { hour: '2-digit', minute: '2-digit' });
  return <span className={styles.snoozed} title={t('status.snoozed')}><Moon size={14} aria-hidden />{until ? t('status.until', { time: until }) : t('status.snoozed')}</span>;
}

const HalfCircle = () => (
  <svg width="14" height="14" viewBox="0 0 14 14" aria-hidden style={{ flex: 'none' }}>
    <circle cx="7" cy="7" r="5.5" fill="none" stroke="currentColor" strokeWidth="1.5" />
    <path d="M7 1.5a5.5 5.5 0 0 1 0 11Z" fill="currentColor" />
  </svg>
);

/** A row follows the finger, to the right or to the left; far enough, it is meant. A mouse does not swipe. */
function useSwipe(row: React.RefObject<HTMLDivElement | null>, enabled: boolean, does: { right(): void; left(): void }) {
  const start = useRef<{ x: number; y: number; dx: number } | null>(null);
  const move = (dx: number) => {
    row.current?.style.setProperty('--swipe', `${dx}px`);
    if (row.current) row.current.dataset.swipe = dx > SWIPE_PX ? 'right' : dx < -SWIPE_PX ? 'left' : dx === 0 ? '' : 'undecided';
  };
  const end = () => {
    const dx = start.current?.dx ?? 0;
    start.current = null;
    move(0);
    if (dx > SWIPE_PX) does.right();
    if (dx < -SWIPE_PX) does.left();
  };
  if (!enabled) return {};
  return {
    onPointerDown: (event: PointerEvent) => {
      if (event.pointerType !== 'mouse') start.current = { x: event.clientX, y: event.clientY, dx: 0 };
    },
    onPointerMove: (event: PointerEvent) => {
      if (!start.current) return;
      const dx = event.clientX - start.current.x;
      if (Math.abs(event.clientY - start.current.y) > Math.abs(dx)) return;
      start.current.dx = dx;
      move(Math.max(-120, Math.min(120, dx)));
    },
    onPointerUp: end,
    onPointerCancel: () => {
      start.current = null;
      move(0);
    },
  };
}
