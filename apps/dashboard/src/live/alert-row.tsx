import { useRef, useState, type MouseEvent } from 'react';
import { AlarmClock, CircleCheck, CircleDot } from 'lucide-react';
import type { Alert } from '@tocsin/contracts/wire';
import { useWords } from '../words/words';
import { AlertCells } from './alert-cells';
import styles from './alert-row.module.css';
import { useRowGestures } from './use-row-gestures';
import type { Leaving } from './why-it-left';

/** The callbacks of a row. All rows share one object, so that a new one does not render them again. */
export interface RowActs {
  open(alert: Alert): void;
  /** A tap of a finger: opens the alert, or while others are selected, selects it too. */
  tap(alert: Alert): void;
  select(alert: Alert, how: { range: boolean }): void;
  focus(alert: Alert): void;
  acknowledge(alerts: readonly Alert[]): void;
  resolve(alerts: readonly Alert[]): void;
  /** Asks until when, beside the row. */
  snooze(alerts: readonly Alert[]): void;
  snoozeAnHour(alerts: readonly Alert[]): void;
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
  const gestures = useRowGestures(row, mayAct, {
    right: () => acts.acknowledge([alert]),
    left: (far) => (far ? acts.snooze([alert]) : acts.snoozeAnHour([alert])),
    longPress: () => acts.select(alert, { range: false }),
  });
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
      data-who={isAnothers(alert) || undefined}
      className={names}
      style={{ transform: `translateY(${top}px)`, height }}
      onClick={({ nativeEvent }) =>
        (nativeEvent as globalThis.PointerEvent).pointerType === 'touch' ? acts.tap(alert) : acts.open(alert)
      }
      onFocus={() => acts.focus(alert)}
      onPointerEnter={() => setPointedAt(true)}
      onPointerLeave={() => setPointedAt(false)}
      {...gestures}
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

/** Whether the assignee is a user whom the status does not name already. */
const isAnothers = ({ assignee, actor, status }: Alert): boolean =>
  assignee !== null && !(status === 'acknowledged' && actor === assignee);

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
