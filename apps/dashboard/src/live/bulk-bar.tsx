import { AlarmClock, CircleCheck, CircleDot, X } from 'lucide-react';
import type { AlertAct } from '@tocsin/contracts/wire';
import { SnoozeMenu } from '../acts/snooze-menu';
import buttons from '../settings/icon-button.module.css';
import { useWords } from '../words/words';
import styles from './list-head.module.css';

/** More than this many at once are asked about first. */
const ASK_BEYOND = 100;

/** What can be done with all that are selected. It takes the place of the line above the list. */
export function BulkBar({ count, total, mayAct, onAct, onAll, onNone }: { count: number; total: number; mayAct: boolean; onAct(act: AlertAct): void; onAll(): void; onNone(): void }) {
  const { t } = useWords();
  const act = (what: AlertAct) => {
    if (count <= ASK_BEYOND || window.confirm(t('bulk.confirm', { count }))) onAct(what);
  };
  return (
    <div className={`${styles.head} ${styles.bulk}`} role="toolbar" aria-label={t('bulk.count', { count })} data-testid="bulk">
      <button type="button" className={buttons.button} aria-label={t('bulk.none')} onClick={onNone}><X size={16} aria-hidden /></button>
      <strong data-number>{t('bulk.count', { count })}</strong>
      {count < total && <button type="button" className={styles.link} onClick={onAll}>{t('bulk.all', { count: total })}</button>}
      <span className={styles.fill} />
      {mayAct && (
        <>
          <button type="button" className={buttons.secondary} onClick={() => act({ act: 'acknowledge' })}><CircleDot size={15} aria-hidden /><span>{t('act.acknowledge')}</span></button>
          <button type="button" className={buttons.secondary} onClick={() => act({ act: 'resolve' })}><CircleCheck size={15} aria-hidden /><span>{t('act.resolve')}</span></button>
          <SnoozeMenu onAct={act}><button type="button" className={buttons.secondary}><AlarmClock size={15} aria-hidden /><span>{t('act.snooze')}</span></button></SnoozeMenu>
        </>
      )}
    </div>
  );
}
