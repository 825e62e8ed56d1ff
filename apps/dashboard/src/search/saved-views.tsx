import { Bookmark, X } from 'lucide-react';
import { below } from '../base-path';
import { linkTo, placeOf, type ListPlace } from '../live/place';
import { usePreference } from '../settings/preferences';
import { useWords } from '../words/words';
import styles from './navigation.module.css';

/** The user's saved views, below the built-in ones. */
export function SavedViews({ at, onOpen }: { at: ListPlace; onOpen(place: ListPlace): void }) {
  const { t } = useWords();
  const [views, setViews] = usePreference('views');
  if (views.length === 0) return null;
  return (
    <ul aria-label={t('saved.label')} className={styles.saved}>
      {views.map((view) => (
        <li key={view.at}>
          <a
            href={below(`/${view.at}`)}
            className={styles.entry}
            aria-current={linkTo(at) === view.at ? 'page' : undefined}
            title={view.name}
            onClick={(event) => {
              if (event.metaKey || event.ctrlKey || event.shiftKey) return;
              event.preventDefault();
              onOpen(placeOf(view.at));
            }}
          >
            <Bookmark size={16} aria-hidden />
            <span className={styles.word}>{view.name}</span>
          </a>
          <button
            type="button"
            className={styles.forget}
            aria-label={t('saved.forget', { name: view.name })}
            title={t('saved.forget', { name: view.name })}
            onClick={() => setViews(views.filter((one) => one !== view))}
          >
            <X size={14} aria-hidden />
          </button>
        </li>
      ))}
    </ul>
  );
}
