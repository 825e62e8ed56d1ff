import { Dialog } from 'radix-ui';
import buttons from '../settings/icon-button.module.css';
import menu from '../settings/menu.module.css';
import { useWords } from '../words/words';
import type { Asked } from './use-acts';
import styles from './snooze-dialog.module.css';

/** Asks before an act on many alerts. Escape, or a click beside it, is a no. */
export default function ConfirmAct({ asked: { act, count, answer } }: { asked: Asked }) {
  const { t, intl } = useWords();
  return (
    <Dialog.Root open onOpenChange={(open) => !open && answer(false)}>
      <Dialog.Portal>
        <Dialog.Overlay className={menu.overlay} />
        <Dialog.Content className={menu.dialog} aria-describedby={undefined}>
          <Dialog.Title>{t('bulk.confirm', { count: intl.formatNumber(count) })}</Dialog.Title>
          <span className={styles.buttons}>
            <button type="button" className={buttons.secondary} onClick={() => answer(false)}>
              {t('cancel')}
            </button>
            <button type="button" autoFocus className={buttons.primary} onClick={() => answer(true)}>
              {t(`act.${act}`)}
            </button>
          </span>
        </Dialog.Content>
      </Dialog.Portal>
    </Dialog.Root>
  );
}
