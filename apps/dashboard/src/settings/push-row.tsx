import { DropdownMenu } from 'radix-ui';
import { useId } from 'react';
import { createPortal } from 'react-dom';
import { BellRing, Check } from 'lucide-react';
import { usePush, type Push } from '@tocsin/react-client';
import { PUSH } from '../base-path';
import { useLateWords } from '../words/late-words';
import menu from './menu.module.css';
import { pushWords } from './push-words';
import styles from './push-row.module.css';

interface Props {
  /** Where the note stands: at the end of the menu, because it comes late and would move the items below it. */
  noteIn: HTMLElement | null;
}

/** The setting that shows alerts in this browser while the page is closed, and why it cannot be changed. */
export default function PushRow({ noteIn }: Props) {
  const say = useLateWords(pushWords);
  const push = usePush(PUSH);
  const { status, pending, turnOn, turnOff } = push;
  const noteId = useId();
  const note = noteOf(push, say);
  const change = () => {
    if (!pending) void (status === 'on' ? turnOff() : turnOn());
  };
  return (
    <DropdownMenu.CheckboxItem
      className={menu.item}
      checked={status === 'on'}
      disabled={status !== 'on' && status !== 'off'}
      aria-busy={pending}
      aria-describedby={note === null ? undefined : noteId}
      onCheckedChange={change}
      onSelect={(event) => event.preventDefault()}
      data-testid="push"
      data-status={status ?? 'unknown'}
    >
      <BellRing size={16} aria-hidden />
      <span>{say('label')}</span>
      {note !== null &&
        noteIn &&
        createPortal(
          <div id={noteId} className={styles.note}>
            {say('label')}: {note}
          </div>,
          noteIn,
        )}
      <DropdownMenu.ItemIndicator className={menu.keys}>
        <Check size={14} aria-hidden />
      </DropdownMenu.ItemIndicator>
    </DropdownMenu.CheckboxItem>
  );
}

/** Why it is not known, did not change or cannot be changed; null: nothing is to be said. */
function noteOf(
  { status, error }: Push,
  say: ReturnType<typeof useLateWords<keyof (typeof pushWords)['en']>>,
): string | null {
  if (error) {
    const detail = error instanceof Error ? error.message : String(error);
    return say(status === undefined ? 'notKnown' : 'failed', { detail });
  }
  return status === undefined || status === 'on' || status === 'off' ? null : say(`why.${status}`);
}
