import { useRef } from 'react';
import { useAlerts } from '@tocsin/react-client';
import type { Alert, AlertSearch } from '@tocsin/contracts/wire';
import { useWords } from '../words/words';
import { AlertRow, type RowActs } from './alert-row';
import { Skeleton } from './empty';
import styles from './group-list.module.css';
import { useHandsOff } from './use-hands-off';
import { useSettledRows } from './use-settled-rows';

const PAGE = 50;
const NOT_SELECTED = false;

/** What the rows of a group need of the page. */
export interface GroupRows {
  rowHeight: number;
  current: string | null;
  openAlert: string | null;
  isUnseen(alert: Alert): boolean;
  tenantName(alert: Alert): string | null;
  mayAct: boolean;
  acts: RowActs;
}

interface Props extends GroupRows {
  search: AlertSearch;
}

/** The alerts of an open group: a live list of its own, a page at a time. */
export function GroupAlerts({ search, rowHeight, current, openAlert, isUnseen, tenantName, mayAct, acts }: Props) {
  const { t } = useWords();
  const frame = useRef<HTMLDivElement>(null);
  const list = useAlerts({ ...search, limit: PAGE });
  const handsOff = useHandsOff(frame);
  const { rows, fresh, leaving, showFresh } = useSettledRows(list.alerts, handsOff, `${list.loadedAt !== null}`);
  return (
    <div ref={frame} className={styles.alerts}>
      {list.error && list.loadedAt === null ? (
        <p className={styles.said} role="alert">
          {list.error.message}
        </p>
      ) : (
        list.loadedAt === null && <Skeleton rows={2} />
      )}
      {fresh.length > 0 && (
        <button type="button" className={styles.more} onClick={showFresh}>
          {t('list.new', {
            count: fresh.length,
            urgent: fresh.filter(({ severity }) => severity === 'urgent').length,
          })}
        </button>
      )}
      <div
        role="grid"
        aria-label={t('list.label')}
        aria-rowcount={list.hasMore ? -1 : rows.length}
        className={styles.rows}
        style={{ height: rows.length * rowHeight }}
      >
        {rows.map((alert, index) => (
          <AlertRow
            key={alert.alert_id}
            alert={alert}
            leaving={leaving.get(alert.alert_id)}
            index={index + 1}
            top={index * rowHeight}
            height={rowHeight}
            isCurrent={
              current === alert.alert_id || (index === 0 && !rows.some(({ alert_id }) => alert_id === current))
            }
            isSelected={NOT_SELECTED}
            isOpen={openAlert === alert.alert_id}
            isUnseen={isUnseen(alert)}
            tenantName={tenantName(alert)}
            mayAct={mayAct}
            acts={acts}
          />
        ))}
      </div>
      {list.hasMore && (
        <button type="button" className={styles.more} disabled={list.loadingMore} onClick={() => void list.loadMore()}>
          {t('group.moreAlerts')}
        </button>
      )}
    </div>
  );
}
