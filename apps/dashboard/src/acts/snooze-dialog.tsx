import { Dialog } from 'radix-ui';
import { useState, type SyntheticEvent } from 'react';
import buttons from '../settings/icon-button.module.css';
import menu from '../settings/menu.module.css';
import { serverNow } from '../words/clock';
import { tomorrowAt } from '../words/time-words';
import { useWords } from '../words/words';
import styles from './snooze-dialog.module.css';

const MINUTE_MS = 60_000;
/** The longest snooze that the server allows: 30 days. */
const MOST_MS = 30 * 24 * 60 * MINUTE_MS;

/**
 * Asks for the time at which a snooze ends. It uses the browser's own field, which fits the user's calendar, clock and
 * keyboard.
 */
export default function SnoozeDialog({ onUntil, onClose }: { onUntil(until: number): void; onClose(): void }) {
  const { t } = useWords();
  const [now] = useState(serverNow);
  const [value, setValue] = useState(() => fieldValue(tomorrowAt(8, now)));
  const submit = (event: SyntheticEvent) => {
    event.preventDefault();
    onClose();
    onUntil(new Date(value).getTime());
  };
  return (
    <Dialog.Root open onOpenChange={(open) => !open && onClose()}>
      <Dialog.Portal>
        <Dialog.Overlay className={menu.overlay} />
        <Dialog.Content className={menu.dialog} aria-describedby={undefined}>
          <Dialog.Title>{t('snooze.menu')}</Dialog.Title>
          <form className={styles.form} onSubmit={submit}>
            <label htmlFor="snooze-until" className="hidden">
              {t('snooze.menu')}
            </label>
            <input
              id="snooze-until"
              type="datetime-local"
              required
              min={fieldValue(now + MINUTE_MS)}
              max={fieldValue(now + MOST_MS - MINUTE_MS)}
              value={value}
              onChange={(event) => setValue(event.target.value)}
            />
            <span className={styles.buttons}>
              <button type="button" className={buttons.secondary} onClick={onClose}>
                {t('cancel')}
              </button>
              <button type="submit" className={buttons.primary}>
                {t('act.snooze')}
              </button>
            </span>
          </form>
        </Dialog.Content>
      </Dialog.Portal>
    </Dialog.Root>
  );
}

/** A time in the field's format: local time, to the minute. */
function fieldValue(at: number): string {
  const ahead = new Date(at).getTimezoneOffset() * MINUTE_MS;
  return new Date(at - ahead).toISOString().slice(0, 16);
}
