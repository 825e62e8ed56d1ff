import { AlarmClock, CircleCheck, CircleDot, X } from 'lucide-react';
import type { AlertAct } from '@tocsin/contracts/wire';
import { SnoozeMenu } from '../acts/snooze-menu';
import buttons from '../settings/icon-button.module.css';
import { useWords } from '../words/words';
import styles from './list-head.module.css';
import type { Everything } from './use-everything';

interface Props {
  count: number;
  /** How many alerts are in the list. */
  listed: number;
  /** All alerts that match, listed or not; null: no more than the listed ones are known to match. */
  everything: Everything | null;
  mayAct: boolean;
  onAct(act: AlertAct): void;
  onAll(): void;
  onNone(): void;
}

/**
 * The acts on all selected alerts. It replaces the line above the list, and on a phone the bar at the bottom.
 */
export default function BulkBar({ count, listed, everything, mayAct, onAct, onAll, onNone }: Props) {
  const { t } = useWords();
  return (
    <div
      className={`${styles.head} ${styles.bulk}`}
      role="toolbar"
      aria-label={t('bulk.count', { count })}
      data-testid="bulk"
      data-bulk
    >
      <button type="button" className={buttons.button} aria-label={t('bulk.none')} onClick={onNone}>
        <X size={16} aria-hidden />
      </button>
      <strong data-number>{t('bulk.count', { count })}</strong>
      {count < listed && (
        <button type="button" className={styles.link} onClick={onAll}>
          {t('bulk.all', { count: listed })}
        </button>
      )}
      {count === listed && everything?.count && everything.count > listed && (
        <button type="button" className={styles.link} disabled={everything.loading} onClick={everything.choose}>
          {t(everything.loading ? 'bulk.loading' : 'bulk.everything', { count: everything.count })}
        </button>
      )}
      <span className={styles.fill} />
      {mayAct && (
        <>
          <button type="button" className={buttons.secondary} data-act onClick={() => onAct({ act: 'acknowledge' })}>
            <CircleDot size={15} aria-hidden />
            <span>{t('act.acknowledge')}</span>
          </button>
          <button type="button" className={buttons.secondary} data-act onClick={() => onAct({ act: 'resolve' })}>
            <CircleCheck size={15} aria-hidden />
            <span>{t('act.resolve')}</span>
          </button>
          <SnoozeMenu onAct={onAct}>
            <button type="button" className={buttons.secondary} data-act data-snooze>
              <AlarmClock size={15} aria-hidden />
              <span>{t('act.snooze')}</span>
            </button>
          </SnoozeMenu>
        </>
      )}
    </div>
  );
}
