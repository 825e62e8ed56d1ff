import { useState, type FormEvent } from 'react';
import { useWords } from '../words/words';
import buttons from '../settings/icon-button.module.css';
import styles from './drawer.module.css';

/** The longest note that the API accepts. */
const MAX_NOTE = 2_000;

export function NoteForm({ onNote }: { onNote(note: string): void }) {
  const { t } = useWords();
  const [note, setNote] = useState('');
  const send = (event: FormEvent) => {
    event.preventDefault();
    if (!note.trim()) return;
    onNote(note.trim());
    setNote('');
  };
  return (
    <form className={styles.noteForm} onSubmit={send}>
      <input
        data-note
        value={note}
        maxLength={MAX_NOTE}
        placeholder={t('drawer.note')}
        aria-label={t('drawer.note')}
        onChange={(event) => setNote(event.target.value)}
      />
      <button type="submit" className={buttons.secondary} disabled={!note.trim()}>
        {t('drawer.noteSend')}
      </button>
    </form>
  );
}
