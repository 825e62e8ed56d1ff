import { useVirtualizer } from '@tanstack/react-virtual';
import { useEffect, useImperativeHandle, useMemo, useRef, useState, type Ref } from 'react';
import { ArrowUp } from 'lucide-react';
import type { Alert } from '@tocsin/contracts/wire';
import { useNow } from '../words/clock';
import { whenWords } from '../words/time-words';
import { useWords } from '../words/words';
import { AlertRow, type RowActs } from './alert-row';
import styles from './alert-list.module.css';
import { useHandsOff } from './use-hands-off';
import type { Leaving } from './why-it-left';

/**
 * How many rows are rendered beyond each end of the visible part: as many as a fast scroll shows before the next frame.
 */
const OVERSCAN = 10;
/** The list loads more when at most this many rows remain below the rendered ones. */
const MORE_ROWS = 30;

export interface ListHandle {
  /** Brings a row into view and gives it the focus. */
  focusRow(alertId: string): void;
  /** Gives the focus to the row that is the list's tab stop. */
  focus(): void;
}

interface Props {
  ref?: Ref<ListHandle>;
  rows: readonly Alert[];
  fresh: readonly Alert[];
  leaving: ReadonlyMap<string, Leaving>;
  rowHeight: number;
  /**
   * Rows first seen after this time (milliseconds) came while the user was away; null: none did, or the order is not by
   * time.
   */
  newSince: number | null;
  current: string | null;
  selected: ReadonlySet<string>;
  openAlert: string | null;
  isUnseen(alert: Alert): boolean;
  tenantName(alert: Alert): string | null;
  mayAct: boolean;
  acts: RowActs;
  hasMore: boolean;
  /** Loads more while the user scrolls. Null: the list loads more only when the user asks for it. */
  loadMore: (() => void) | null;
  showFresh(): void;
  /** Called with whether the rows may move: the user is not working on them, and the top of the list is visible. */
  onSettled(mayMove: boolean): void;
}

/** The list of alerts, of which only the visible rows are rendered. */
export function AlertList({
  ref,
  rows,
  fresh,
  leaving,
  rowHeight,
  newSince,
  current,
  selected,
  openAlert,
  isUnseen,
  tenantName,
  mayAct,
  acts,
  hasMore,
  loadMore,
  showFresh,
  onSettled,
}: Props) {
  const { t } = useWords();
  const scroller = useRef<HTMLDivElement>(null);
  const virtual = useVirtualizer({
    count: rows.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => rowHeight,
    // no getItemKey: a new function for it would recompute all places with each frame of a scroll
    overscan: OVERSCAN,
  });
  useEffect(() => virtual.measure(), [rowHeight, virtual]);

  const handsOff = useHandsOff(scroller);
  const [atTop, setAtTop] = useState(true);
  useEffect(() => onSettled(handsOff && atTop), [handsOff, atTop, onSettled]);

  const items = virtual.getVirtualItems();
  const lastIndex = items.at(-1)?.index ?? 0;
  useEffect(() => {
    if (hasMore && lastIndex >= rows.length - MORE_ROWS) loadMore?.();
  }, [hasMore, lastIndex, rows.length, loadMore]);

  const focusRow = (alertId: string) => {
    const index = rows.findIndex(({ alert_id }) => alert_id === alertId);
    if (index < 0) return;
    virtual.scrollToIndex(index);
    // the row may not be rendered until the next frame
    const focus = (triesLeft: number) => {
      const row = scroller.current?.querySelector<HTMLElement>(`[data-alert="${CSS.escape(alertId)}"]`);
      if (row) row.focus({ preventScroll: true });
      else if (triesLeft > 0) requestAnimationFrame(() => focus(triesLeft - 1));
    };
    focus(10);
  };
  const tabStop = current && rows.some(({ alert_id }) => alert_id === current) ? current : rows[0]?.alert_id;
  useImperativeHandle(ref, () => ({ focusRow, focus: () => tabStop && focusRow(tabStop) }));

  const older = useMemo(
    () => (newSince === null ? -1 : rows.findIndex(({ first_seen_at }) => Date.parse(first_seen_at) <= newSince)),
    [rows, newSince],
  );
  const urgent = fresh.filter(({ severity }) => severity === 'urgent').length;
  const toTop = () => {
    showFresh();
    scroller.current?.scrollTo({ top: 0 });
  };
  return (
    <div className={styles.frame}>
      {fresh.length > 0 && (
        <button type="button" className={styles.fresh} onClick={toTop} data-testid="fresh">
          <ArrowUp size={14} aria-hidden />
          <span data-number>{t('list.new', { count: fresh.length, urgent })}</span>
        </button>
      )}
      <div
        ref={scroller}
        className={styles.scroller}
        onScroll={(event) => setAtTop(event.currentTarget.scrollTop < rowHeight / 2)}
        tabIndex={-1}
      >
        <div
          role="grid"
          aria-label={t('list.label')}
          aria-rowcount={hasMore ? -1 : rows.length}
          aria-multiselectable
          className={styles.rows}
          style={{ height: virtual.getTotalSize() }}
        >
          {items.map(({ index, start, size }) => {
            const alert = rows[index]!;
            const id = alert.alert_id;
            return (
              <AlertRow
                key={id}
                alert={alert}
                leaving={leaving.get(id)}
                index={index + 1}
                top={start}
                height={size}
                isCurrent={tabStop === id}
                isSelected={selected.has(id)}
                isOpen={openAlert === id}
                isUnseen={isUnseen(alert)}
                tenantName={tenantName(alert)}
                mayAct={mayAct}
                acts={acts}
              />
            );
          })}
        </div>
        {older > 0 && <NewSince at={newSince!} top={older * rowHeight} />}
      </div>
    </div>
  );
}

/** The line between what came while the user was away and the rows before. */
function NewSince({ at, top }: { at: number; top: number }) {
  const { t, intl } = useWords();
  const words = t('list.newSince', { time: whenWords(intl, at, useNow()) });
  return (
    <div role="separator" className={styles.since} style={{ top }} aria-label={words} data-testid="new-since">
      <span data-number>{words}</span>
    </div>
  );
}
