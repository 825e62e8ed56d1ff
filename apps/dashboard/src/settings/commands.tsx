import { Dialog } from 'radix-ui';
import { useState, type KeyboardEvent } from 'react';
import { useWords } from '../words/words';
import menu from './menu.module.css';
import styles from './commands.module.css';

export interface Command {
  words: string;
  keys?: string;
  run(): void;
}

/** The command palette: the user finds a command by typing a part of its name. */
export default function Commands({ commands, onClose }: { commands: readonly Command[]; onClose(): void }) {
  const { t } = useWords();
  return (
    <Dialog.Root open onOpenChange={(next) => !next && onClose()}>
      <Dialog.Portal>
        <Dialog.Overlay className={menu.overlay} />
        <Dialog.Content className={`${menu.dialog} ${styles.dialog}`} aria-describedby={undefined}>
          <Dialog.Title className="hidden">{t('keys.everything')}</Dialog.Title>
          <Finder commands={commands} onClose={onClose} />
        </Dialog.Content>
      </Dialog.Portal>
    </Dialog.Root>
  );
}

function Finder({ commands, onClose }: { commands: readonly Command[]; onClose(): void }) {
  const { t } = useWords();
  const [text, setText] = useState('');
  const [active, setActive] = useState(0);
  const parts = text.toLowerCase().split(/\s+/).filter(Boolean);
  const found = commands.filter(({ words }) => parts.every((part) => words.toLowerCase().includes(part)));
  const run = (command: Command | undefined) => {
    if (!command) return;
    onClose();
    command.run();
  };
  const onKeyDown = (event: KeyboardEvent) => {
    const step = event.key === 'ArrowDown' ? 1 : event.key === 'ArrowUp' ? -1 : 0;
    if (step !== 0 && found.length > 0) {
      event.preventDefault();
      setActive((active + step + found.length) % found.length);
    } else if (event.key === 'Enter') {
      event.preventDefault();
      run(found[active]);
    }
  };
  return (
    <>
      <input
        autoFocus
        className={styles.input}
        role="combobox"
        aria-expanded
        aria-controls="commands"
        aria-activedescendant={found[active] && `command-${active}`}
        aria-label={t('keys.type')}
        placeholder={t('keys.type')}
        value={text}
        onChange={(event) => {
          setText(event.target.value);
          setActive(0);
        }}
        onKeyDown={onKeyDown}
      />
      <ul id="commands" role="listbox" aria-label={t('keys.everything')} className={styles.list}>
        {found.map((command, index) => (
          <li
            key={command.words}
            id={`command-${index}`}
            role="option"
            aria-selected={index === active}
            className={menu.item}
            data-highlighted={index === active ? '' : undefined}
            onPointerMove={() => setActive(index)}
            onClick={() => run(command)}
          >
            {command.words}
            {command.keys && <span className={menu.keys}>{command.keys}</span>}
          </li>
        ))}
      </ul>
    </>
  );
}
