import { Popover } from 'radix-ui';
import { BookmarkPlus } from 'lucide-react';
import { useState, type SyntheticEvent } from 'react';
import { linkTo, type Place } from '../live/place';
import buttons from '../settings/icon-button.module.css';
import menu from '../settings/menu.module.css';
import { usePreference } from '../settings/preferences';
import { useWords } from '../words/words';
import styles from './save-view.module.css';

const LONGEST_NAME = 40;

/**
 * Saves the present search, order and grouping under a name, in this browser. Hidden when the present view is saved
 * already.
 */
export function SaveView({ place }: { place: Place }) {
  const { t } = useWords();
  const [views, setViews] = usePreference('views');
  const [open, setOpen] = useState(false);
  const [name, setName] = useState('');
  const at = linkTo(place);
  if (
    at === linkTo({ view: place.view, q: '', order: 'newest', group: 'none', tenant: '' }) ||
    views.some((view) => view.at === at)
  )
    return null;
  const save = (event: SyntheticEvent) => {
    event.preventDefault();
    setOpen(false);
    setName('');
    setViews([...views.filter((view) => view.name !== name.trim()), { name: name.trim(), at }]);
  };
  return (
    <Popover.Root open={open} onOpenChange={setOpen}>
      <Popover.Trigger className={buttons.button} aria-label={t('saved.save')} title={t('saved.save')}>
        <BookmarkPlus size={16} aria-hidden />
      </Popover.Trigger>
      <Popover.Portal>
        <Popover.Content
          className={menu.panel}
          align="end"
          sideOffset={6}
          collisionPadding={12}
          aria-label={t('saved.save')}
        >
          <form className={styles.form} onSubmit={save}>
            <input
              autoFocus
              required
              pattern=".*\S.*"
              maxLength={LONGEST_NAME}
              aria-label={t('saved.name')}
              placeholder={t('saved.name')}
              value={name}
              onChange={(event) => setName(event.target.value)}
            />
            <button type="submit" className={buttons.primary}>
              {t('saved.go')}
            </button>
          </form>
          <p className={styles.where}>{t('saved.where')}</p>
        </Popover.Content>
      </Popover.Portal>
    </Popover.Root>
  );
}
