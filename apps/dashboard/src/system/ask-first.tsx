import { Dialog } from 'radix-ui';
import { useState, type SyntheticEvent } from 'react';
import buttons from '../settings/icon-button.module.css';
import menu from '../settings/menu.module.css';
import { useWords } from '../words/words';
import { useRefusedWords } from './refused-words';
import styles from './refused.module.css';

const MAX_NOTE_LENGTH = 500;

/** Asks before many messages are redriven, or before any is discarded; a discard needs a reason, which is kept. */
export function AskFirst({
  act,
  many,
  onYes,
  onClose,
}: {
  act: 'redrive' | 'discard';
  /** Whether it is about all that are listed; else about one message. */
  many: boolean;
  onYes(note: string): void;
  onClose(): void;
}) {
  const { t } = useWords();
  const say = useRefusedWords();
  const [note, setNote] = useState('');
  const isDiscard = act === 'discard';
  const title = say(!isDiscard ? 'ask.redrive' : many ? 'ask.many' : 'ask.one');
  const submit = (event: SyntheticEvent) => {
    event.preventDefault();
    onClose();
    onYes(note.trim());
  };
  return (
    <Dialog.Root open onOpenChange={(open) => !open && onClose()}>
      <Dialog.Portal>
        <Dialog.Overlay className={menu.overlay} />
        <Dialog.Content className={menu.dialog}>
          <Dialog.Title>{title}</Dialog.Title>
          <form className={styles.form} onSubmit={submit}>
            <Dialog.Description>{say(isDiscard ? 'ask.kept' : 'ask.again')}</Dialog.Description>
            {isDiscard && (
              <label>
                {say('ask.why')}
                <input
                  required
                  pattern=".*\S.*"
                  maxLength={MAX_NOTE_LENGTH}
                  value={note}
                  onChange={(event) => setNote(event.target.value)}
                />
              </label>
            )}
            <span className={styles.acts}>
              <button type="button" className={buttons.secondary} onClick={onClose}>
                {t('cancel')}
              </button>
              <button type="submit" className={buttons.primary}>
                {say(act).replace('…', '')}
              </button>
            </span>
          </form>
        </Dialog.Content>
      </Dialog.Portal>
    </Dialog.Root>
  );
}
