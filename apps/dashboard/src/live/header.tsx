import { lazy, memo, type ReactNode, type Ref } from 'react';
import { Pause, Play } from 'lucide-react';
import type { AlertFacets } from '@tocsin/contracts/wire';
import { below } from '../base-path';
import { SearchField, type SearchHandle } from '../search/search-field';
import buttons from '../settings/icon-button.module.css';
import { Mark } from '../settings/mark';
import { useWords } from '../words/words';
import { Late } from './late';
import styles from './layout.module.css';

/** Loaded right after the page, like the settings: the first moment does not need it. */
const QuietMenu = lazy(() => import('../settings/quiet-menu'));
/** Keeps the place of a button that is not there, so that no other one moves. */
export const NO_BUTTON = <span className={buttons.button} aria-hidden />;

interface Props {
  search: Ref<SearchHandle>;
  q: string;
  facets: AlertFacets | undefined;
  paused: boolean;
  /** Whether the search field is shown on a phone, where it has room only on demand. */
  showsSearch: boolean;
  tenants: ReactNode;
  pill: ReactNode;
  menu: ReactNode;
  onSearch(q: string): void;
  onPause(): void;
}

export const Header = memo(function Header({
  search,
  q,
  facets,
  paused,
  showsSearch,
  tenants,
  pill,
  menu,
  onSearch,
  onPause,
}: Props) {
  const { t } = useWords();
  return (
    <header className={styles.header} data-search={showsSearch}>
      <a href={below('/')} className={styles.brand} aria-label={t('app.name')}>
        <Mark />
        <span>{t('app.name')}</span>
      </a>
      {tenants}
      {pill}
      <span className={styles.fill} />
      <SearchField ref={search} q={q} facets={facets} onSearch={onSearch} />
      <span className={styles.tools}>
        <button
          type="button"
          className={buttons.button}
          aria-pressed={paused}
          aria-label={t(paused ? 'play' : 'pause')}
          title={`${t(paused ? 'play' : 'pause')} (P)`}
          onClick={onPause}
        >
          {paused ? <Play size={17} aria-hidden /> : <Pause size={17} aria-hidden />}
        </button>
        <Late waiting={NO_BUTTON} broken={NO_BUTTON}>
          <QuietMenu />
        </Late>
        {menu}
      </span>
    </header>
  );
});
