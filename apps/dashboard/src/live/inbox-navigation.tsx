import { lazy, useMemo, type ReactNode } from 'react';
import { SlidersHorizontal } from 'lucide-react';
import { Navigation } from '../search/navigation';
import { useWords } from '../words/words';
import { FilterSheet } from './bottom-bar';
import styles from './layout.module.css';
import { Late } from './late';
import type { InboxState } from './use-inbox';

/** Loaded when it is needed: most users see nothing of the system. */
const SystemNav = lazy(() => import('../system/system-nav'));

/**
 * The navigation, and the button that opens it on a phone. Memoised, so that it is not rendered again for each new
 * alert.
 */
export function useNavigation(inbox: InboxState): { nav: ReactNode; filterSheet: ReactNode } {
  const { t } = useWords();
  const { place, tenants, covered, systemViews, system, operates } = inbox;
  const { counts, facets } = inbox.numbers;
  const { goTo, goToPlace, setSearch, goToSystem } = inbox.moves;
  const listedTenants = useMemo(
    () => tenants.all.filter(({ tenant_id }) => covered.includes(tenant_id)),
    [tenants.all, covered],
  );
  const nav = useMemo(
    () => (
      <Navigation
        place={place}
        counts={counts}
        facets={facets}
        tenants={listedTenants}
        onView={goTo}
        onPlace={goToPlace}
        onSearch={setSearch}
        system={
          systemViews.length > 0 && (
            <Late>
              <SystemNav view={system} isOperator={operates} onView={goToSystem} />
            </Late>
          )
        }
      />
    ),
    [place, counts, facets, listedTenants, goTo, goToPlace, setSearch, systemViews, system, operates, goToSystem],
  );
  const filterSheet = useMemo(
    () => (
      <FilterSheet filters={nav}>
        <button type="button" className={styles.narrow} aria-label={t('nav.filters')} title={t('nav.filters')}>
          <SlidersHorizontal size={16} aria-hidden />
        </button>
      </FilterSheet>
    ),
    [nav, t],
  );
  return { nav, filterSheet };
}
