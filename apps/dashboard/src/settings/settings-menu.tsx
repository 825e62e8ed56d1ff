import { DropdownMenu } from 'radix-ui';
import { lazy, useState, type ReactNode } from 'react';
import { BookOpen, LifeBuoy, Check, Keyboard, LogOut, Monitor, Send } from 'lucide-react';
import { below } from '../base-path';
import { Late } from '../live/late';
import { initialsOf, nameOf } from '../words/people';
import { LANGUAGES, useWords } from '../words/words';
import buttons from './icon-button.module.css';
import menu from './menu.module.css';
import { usePreference, type Preferences } from './preferences';
import styles from './settings-menu.module.css';

const PushRow = lazy(() => import('./push-row'));

interface Props {
  user: string;
  onTest: (() => void) | null;
  onKeys(): void;
  onSignOut(): void;
  children?: ReactNode;
}

/** The menu that shows the signed-in user and the settings of the page. */
export default function SettingsMenu({ user, onTest, onKeys, onSignOut, children }: Props) {
  const { t } = useWords();
  return (
    <DropdownMenu.Root>
      <DropdownMenu.Trigger asChild>
        {children ?? (
          <button
            type="button"
            className={buttons.button}
            aria-label={`${t('settings.label')}, ${nameOf(user)}`}
            title={user}
          >
            <span className={styles.avatar}>{initialsOf(user)}</span>
          </button>
        )}
      </DropdownMenu.Trigger>
      <DropdownMenu.Portal>
        <DropdownMenu.Content className={menu.panel} align="end" sideOffset={6} collisionPadding={12}>
          <Items user={user} onTest={onTest} onKeys={onKeys} onSignOut={onSignOut} />
        </DropdownMenu.Content>
      </DropdownMenu.Portal>
    </DropdownMenu.Root>
  );
}

/**
 * The items of the open menu. None moves while it is open: what is known later would bring another item below the
 * pointer, and a click meant for "Sign out" opened the documents.
 */
function Items({ user, onTest, onKeys, onSignOut }: Omit<Props, 'children'>) {
  const { t } = useWords();
  const [desktop, setDesktop] = usePreference('desktop');
  const [offersTest] = useState(onTest !== null);
  const [noteIn, setNoteIn] = useState<HTMLElement | null>(null);
  const askForDesktop = () => {
    if (desktop) return setDesktop(false);
    if ('Notification' in window)
      void Notification.requestPermission().then((answer) => setDesktop(answer === 'granted'));
  };
  return (
    <>
      <DropdownMenu.Label className={styles.user}>
        <strong>{nameOf(user)}</strong>
        {nameOf(user) !== user && <span>{user}</span>}
      </DropdownMenu.Label>
      <DropdownMenu.Separator className={menu.line} />
      <Choice
        name="theme"
        heading={t('settings.theme')}
        values={{ system: t('settings.system'), light: t('settings.light'), dark: t('settings.dark') }}
      />
      <Choice
        name="language"
        heading={t('settings.language')}
        values={{ system: t('settings.system'), ...LANGUAGES }}
      />
      <Choice
        name="rows"
        heading={t('settings.rows')}
        values={{ comfortable: t('settings.comfortable'), compact: t('settings.compact') }}
      />
      <DropdownMenu.Separator className={menu.line} />
      <DropdownMenu.CheckboxItem
        className={menu.item}
        checked={desktop}
        onCheckedChange={askForDesktop}
        onSelect={(event) => event.preventDefault()}
      >
        <Monitor size={16} aria-hidden />
        {t('settings.desktop')}
        <DropdownMenu.ItemIndicator className={menu.keys}>
          <Check size={14} aria-hidden />
        </DropdownMenu.ItemIndicator>
      </DropdownMenu.CheckboxItem>
      <Late waiting={<div className={menu.item} />} broken={<div className={menu.item} />}>
        <PushRow noteIn={noteIn} />
      </Late>
      <DropdownMenu.Item className={menu.item} onSelect={onKeys}>
        <Keyboard size={16} aria-hidden />
        {t('settings.keys')}
        <span className={menu.keys}>?</span>
      </DropdownMenu.Item>
      <DropdownMenu.Item className={menu.item} asChild>
        <a href={below('/docs/guide')}>
          <LifeBuoy size={16} aria-hidden />
          {t('settings.guide')}
        </a>
      </DropdownMenu.Item>
      <DropdownMenu.Item className={menu.item} asChild>
        <a href={below('/docs')}>
          <BookOpen size={16} aria-hidden />
          {t('settings.docs')}
        </a>
      </DropdownMenu.Item>
      {offersTest && (
        <DropdownMenu.Item className={menu.item} disabled={onTest === null} onSelect={() => onTest?.()}>
          <Send size={16} aria-hidden />
          {t('settings.test')}
        </DropdownMenu.Item>
      )}
      <DropdownMenu.Separator className={menu.line} />
      <DropdownMenu.Item className={menu.item} onSelect={onSignOut}>
        <LogOut size={16} aria-hidden />
        {t('settings.signOut')}
      </DropdownMenu.Item>
      <div ref={setNoteIn} />
    </>
  );
}

/** A choice of one of a few values, in one line. The menu stays open, so that the user sees the effect. */
function Choice<K extends 'theme' | 'language' | 'rows'>({
  name,
  heading,
  values,
}: {
  name: K;
  heading: string;
  values: Record<Preferences[K], string>;
}) {
  const [value, setValue] = usePreference(name);
  return (
    <DropdownMenu.RadioGroup
      value={value}
      onValueChange={(next) => setValue(next as Preferences[K])}
      aria-label={heading}
    >
      <p className={menu.heading}>{heading}</p>
      <div className={styles.choices}>
        {Object.entries<string>(values).map(([one, words]) => (
          <DropdownMenu.RadioItem
            key={one}
            value={one}
            className={styles.choice}
            onSelect={(event) => event.preventDefault()}
          >
            {words}
          </DropdownMenu.RadioItem>
        ))}
      </div>
    </DropdownMenu.RadioGroup>
  );
}
