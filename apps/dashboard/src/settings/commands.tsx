import { Bell, Bookmark, Building2, type LucideIcon } from 'lucide-react';
import { Dialog } from 'radix-ui';
import { useState, type KeyboardEvent } from 'react';
import { useLateWords, type LateWords } from '../words/late-words';
import { useWords } from '../words/words';
import menu from './menu.module.css';
import styles from './commands.module.css';
import { useFound, type Goal, type Where } from './use-found';

export interface Command {
  words: string;
  keys?: string;
  run(): void;
}

interface Props {
  commands: readonly Command[];
  /** Where the user can go from here: tenants, and what opens an alert or a place. */
  where: Where;
  onClose(): void;
}

const ICONS: Readonly<Record<Goal['kind'], LucideIcon>> = { view: Bookmark, tenant: Building2, alert: Bell };

type WordId = Goal['kind'] | 'asked' | 'none' | 'failed' | 'type';
const WORDS: LateWords<WordId> = {
  en: {
    type: 'A command, an alert, a tenant or a saved view',
    view: 'Saved view',
    tenant: 'Tenant',
    alert: 'Alert',
    asked: 'Searching the alerts…',
    none: 'Nothing has this name, and no alert these words.',
    failed: 'The alerts could not be searched.',
  },
  es: {
    type: 'Una orden, una alerta, una organización o una vista guardada',
    view: 'Vista guardada',
    tenant: 'Organización',
    alert: 'Alerta',
    asked: 'Buscando en las alertas…',
    none: 'Nada se llama así, y ninguna alerta contiene estas palabras.',
    failed: 'No se pudo buscar en las alertas.',
  },
};

/**
 * The command palette: the user finds a command, an alert, a tenant or a saved view by typing a part of its name.
 * Commands stand first and alerts last, so that no answer of the server moves what the user is about to choose.
 */
export default function Commands(props: Props) {
  const { t } = useWords();
  return (
    <Dialog.Root open onOpenChange={(next) => !next && props.onClose()}>
      <Dialog.Portal>
        <Dialog.Overlay className={menu.overlay} />
        <Dialog.Content className={`${menu.dialog} ${styles.dialog}`} aria-describedby={undefined}>
          <Dialog.Title className="hidden">{t('keys.everything')}</Dialog.Title>
          <Finder {...props} />
        </Dialog.Content>
      </Dialog.Portal>
    </Dialog.Root>
  );
}

type Found = (Command & { kind?: undefined; id?: undefined }) | (Goal & { keys?: undefined });

function Finder({ commands, where, onClose }: Props) {
  const { t } = useWords();
  const say = useLateWords(WORDS);
  const [text, setText] = useState('');
  const [active, setActive] = useState(0);
  const parts = text.toLowerCase().split(/\s+/).filter(Boolean);
  const { goals, alerts } = useFound(text, where);
  const found: Found[] = [
    ...commands.filter(({ words }) => parts.every((part) => words.toLowerCase().includes(part))),
    ...goals,
  ];
  const note = alerts === 'asked' || alerts === 'failed' ? alerts : found.length === 0 ? 'none' : null;
  const run = (chosen: Found | undefined) => {
    if (!chosen) return;
    onClose();
    chosen.run();
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
        aria-label={say('type')}
        placeholder={say('type')}
        value={text}
        onChange={(event) => {
          setText(event.target.value);
          setActive(0);
        }}
        onKeyDown={onKeyDown}
      />
      <ul id="commands" role="listbox" aria-label={t('keys.everything')} className={styles.list}>
        {found.map((one, index) => {
          const Icon = one.kind && ICONS[one.kind];
          return (
            <li
              key={`${one.kind ?? 'command'} ${one.id ?? one.words}`}
              id={`command-${index}`}
              role="option"
              aria-selected={index === active}
              className={menu.item}
              data-kind={one.kind}
              data-highlighted={index === active ? '' : undefined}
              ref={index === active ? inView : undefined}
              onPointerMove={() => setActive(index)}
              onClick={() => run(one)}
            >
              {Icon && <Icon size={16} aria-hidden />}
              <span className={styles.words}>{one.words}</span>
              {(one.keys ?? one.kind) && <span className={menu.keys}>{one.keys ?? say(one.kind!)}</span>}
            </li>
          );
        })}
      </ul>
      <p role="status" className={note ? styles.note : 'hidden'}>
        {note && say(note)}
      </p>
    </>
  );
}

/** Arrow keys go through more than the list shows at a time. */
const inView = (option: HTMLLIElement | null) => option?.scrollIntoView({ block: 'nearest' });
