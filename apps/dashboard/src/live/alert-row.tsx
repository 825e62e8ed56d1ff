import { useRef, useState, type MouseEvent, type PointerEvent } from 'react';
import { AlarmClock, CircleCheck, CircleDot } from 'lucide-react';
import type { Alert } from '@tocsin/contracts/wire';
import { useWords } from '../words/words';
import { AlertCells } from './alert-cells';
import styles from './alert-row.module.css';
import type { Leaving } from './why-it-left';

/** The callbacks of a row. All rows share one object, so that a new one does not render them again. */
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
  /** Set for a row that left the list and is still shown. */
  leaving?: Leaving;
  /** The row's number in the whole grid, from 1. */
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

/** A row below this height has room for only one line. */
const COMPACT_BELOW_PX = 48;
/** How far a finger has to move a row for the swipe to count. */
const SWIPE_PX = 72;

/**
 * One row of the list, at its place. Each new alert moves all rows, so everything that does not depend on the place is
 * in the cells, and the buttons are rendered only while a pointer is on the row.
 */
export function AlertRow({
  alert,
  leaving,
  index,
  top,
  height,
  isCurrent,
  isSelected,
  isOpen,
  isUnseen,
  tenantName,
  mayAct,
  acts,
}: Props) {
  const row = useRef<HTMLDivElement>(null);
  const [isPointedAt, setPointedAt] = useState(false);
  const swipe = useSwipe(row, mayAct, { right: () => acts.acknowledge([alert]), left: () => acts.snooze([alert]) });
  const act = (does: (alerts: readonly Alert[]) => void) => (event: MouseEvent) => {
    event.stopPropagation();
    does([alert]);
  };
  const isClosed = alert.status === 'resolved' && (!leaving || leaving.now !== undefined);
  const names = [
    styles.row,
    isUnseen && styles.unseen,
    isClosed && styles.closed,
    isSelected && styles.selected,
    isOpen && styles.open,
  ]
    .filter(Boolean)
    .join(' ');
  return (
    <div
      ref={row}
      role="row"
      aria-rowindex={index}
      aria-selected={isSelected}
      tabIndex={isCurrent ? 0 : -1}
      data-alert={alert.alert_id}
      data-severity={alert.severity}
      data-status={leaving && !leaving.now ? undefined : alert.status}
      data-leaving={leaving ? true : undefined}
      data-compact={height < COMPACT_BELOW_PX}
      className={names}
      style={{ transform: `translateY(${top}px)`, height }}
      onClick={() => acts.open(alert)}
      onFocus={() => acts.focus(alert)}
      onPointerEnter={() => setPointedAt(true)}
      onPointerLeave={() => setPointedAt(false)}
      {...swipe}
    >
      <AlertCells
        alert={alert}
        isSelected={isSelected}
        tenantName={tenantName}
        select={acts.select}
        leaving={leaving}
      />
      {isPointedAt && mayAct && !isClosed && (
        <div role="gridcell" className={styles.acts}>
          {alert.status !== 'acknowledged' && (
            <RowButton act="acknowledge" letter="A" onClick={act(acts.acknowledge)}>
              <CircleDot size={16} aria-hidden />
            </RowButton>
          )}
          <RowButton act="resolve" letter="R" onClick={act(acts.resolve)}>
            <CircleCheck size={16} aria-hidden />
          </RowButton>
          <RowButton act="snooze" letter="S" onClick={act(acts.snooze)}>
            <AlarmClock size={16} aria-hidden />
          </RowButton>
        </div>
      )}
    </div>
  );
}

function RowButton({
  act,
  letter,
  onClick,
  children,
}: {
  act: 'acknowledge' | 'resolve' | 'snooze';
  letter: string;
  onClick: (event: MouseEvent) => void;
  children: React.ReactNode;
}) {
  const { t } = useWords();
  const label = t(`act.${act}`);
  // Not a tab stop: the keys of the grid do the same acts, and users would not tab through forty rows times three
  // buttons.
  return (
    <button
      type="button"
      tabIndex={-1}
      title={`${label} (${letter})`}
      aria-label={label}
      onClick={onClick}
      className={styles.act}
    >
      {children}
    </button>
  );
}

/** Moves the row with the finger, and calls `right` or `left` when it was moved far enough. A mouse does not swipe. */
function useSwipe(
  row: React.RefObject<HTMLDivElement | null>,
  enabled: boolean,
  does: { right(): void; left(): void },
) {
  const start = useRef<{ x: number; y: number; dx: number } | null>(null);
  const move = (dx: number) => {
    row.current?.style.setProperty('--swipe', `${dx}px`);
    if (row.current)
      row.current.dataset.swipe = dx > SWIPE_PX ? 'right' : dx < -SWIPE_PX ? 'left' : dx === 0 ? '' : 'undecided';
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
