import { Dialog } from 'radix-ui';
import { memo, useState, type ReactNode } from 'react';
import { Inbox, Search, SlidersHorizontal, UserRound } from 'lucide-react';
import { useWords } from '../words/words';
import menu from '../settings/menu.module.css';
import styles from './layout.module.css';
import type { View } from './place';

/** The bottom bar of a phone: the two most used views, the search, and a sheet with everything else. */
export const BottomBar = memo(function BottomBar({
  view,
  urgent,
  onView,
  onSearch,
  filters,
}: {
  /** Null: no list of alerts is shown. */
  view: View | null;
  /** How many open alerts are urgent; undefined: not known. */
  urgent: number | undefined;
  onView(view: View): void;
  onSearch(): void;
  filters: ReactNode;
}) {
  const { t } = useWords();
  return (
    <nav className={styles.bottom} aria-label={t('nav.views')}>
      <button type="button" aria-current={view === 'open' ? 'page' : undefined} onClick={() => onView('open')}>
        <Inbox size={20} aria-hidden />
        {t('view.open')}
        {urgent !== undefined && urgent > 0 && (
          <span className={styles.badge} data-number>
            {urgent}
          </span>
        )}
      </button>
      <button type="button" aria-current={view === 'mine' ? 'page' : undefined} onClick={() => onView('mine')}>
        <UserRound size={20} aria-hidden />
        {t('view.mine')}
      </button>
      <button type="button" onClick={onSearch}>
        <Search size={20} aria-hidden />
        {t('nav.search')}
      </button>
      <FilterSheet filters={filters}>
        <button type="button">
          <SlidersHorizontal size={20} aria-hidden />
          {t('nav.filters')}
        </button>
      </FilterSheet>
    </nav>
  );
});

/**
 * Views and facets in a sheet, for windows without room for them beside the list. It closes when the user chooses one.
 */
export function FilterSheet({ filters, children }: { filters: ReactNode; children: ReactNode }) {
  const { t } = useWords();
  const [isOpen, setOpen] = useState(false);
  return (
    <Dialog.Root open={isOpen} onOpenChange={setOpen}>
      <Dialog.Trigger asChild>{children}</Dialog.Trigger>
      <Dialog.Portal>
        <Dialog.Overlay className={menu.overlay} />
        <Dialog.Content
          className={styles.sheet}
          aria-describedby={undefined}
          onClick={(event) => (event.target as Element).closest('button') && setOpen(false)}
        >
          <Dialog.Title className="hidden">{t('nav.filters')}</Dialog.Title>
          {filters}
        </Dialog.Content>
      </Dialog.Portal>
    </Dialog.Root>
  );
}
