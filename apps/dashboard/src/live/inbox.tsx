import { lazy, useCallback } from 'react';
import { useWords } from '../words/words';
import { Announcements } from './announcements';
import { BottomBar } from './bottom-bar';
import { InboxAlarms } from './inbox-alarms';
import { InboxDrawer } from './inbox-drawer';
import { InboxHeader } from './inbox-header';
import { InboxList } from './inbox-list';
import { useNavigation } from './inbox-navigation';
import { InboxNotices } from './inbox-notices';
import styles from './layout.module.css';
import { Late } from './late';
import { hasBulkBar, ListBulkBar } from './list-bulk-bar';
import { Overlays } from './overlays';
import { SessionEnded } from './session-ended';
import { useInbox, type InboxProps } from './use-inbox';
import { useKeys } from './use-keys';
import { usePageActs } from './use-page-acts';

/** Loaded when they are needed: most users see nothing of the system, and have one tenant. */
const Refused = lazy(() => import('../system/refused'));
const Health = lazy(() => import('../system/health'));
const TenantTiles = lazy(() => import('../tenants/tenant-tiles'));

/** The page of a signed-in user: its parts, and where they stand. `useInbox` has their state. */
export function Inbox(props: InboxProps) {
  const { t } = useWords();
  const inbox = useInbox(props);
  const { place, move, system, isOverview, isNarrow, tenants, grid, setOverlay, moves } = inbox;
  const page = usePageActs(inbox);
  useKeys(page);
  const { nav, filterSheet } = useNavigation(inbox);
  const noOverlay = useCallback(() => setOverlay(null), [setOverlay]);
  const byResolution = inbox.listed.search.status?.join() === 'resolved';
  const broken = <p className={styles.error}>{t('error.part')}</p>;
  return (
    <div className={styles.page}>
      <a
        href="#alerts"
        className={styles.skip}
        onClick={(event) => {
          event.preventDefault();
          grid.current?.focus();
        }}
      >
        {t('nav.skip')}
      </a>
      <InboxHeader inbox={inbox} onPause={page.togglePause} />
      <div className={styles.nav}>
        {nav}
        {filterSheet}
      </div>
      <main className={styles.main} id="alerts" data-resolved={byResolution}>
        <InboxNotices inbox={inbox} />
        {system ? (
          <Late key={system} broken={broken}>
            {system === 'health' ? (
              <Health onRefused={() => moves.goToSystem('refused')} nameOf={tenants.nameOf} />
            ) : (
              <Refused isOperator={inbox.operates} nameOf={tenants.nameOf} />
            )}
          </Late>
        ) : isOverview ? (
          <Late key="tenants" broken={broken}>
            <TenantTiles
              tenants={tenants.all}
              isPart={inbox.followed !== undefined}
              onTenant={(one) => move({ tenant: one, overview: null, view: 'open', q: '' })}
              onClose={() => move({ overview: null })}
            />
          </Late>
        ) : (
          <InboxList inbox={inbox} byResolution={byResolution} onSeverity={page.toggleSeverity} />
        )}
      </main>
      <InboxDrawer inbox={inbox} focusRow={page.focusRow} />
      {isNarrow && hasBulkBar(inbox) ? (
        <ListBulkBar inbox={inbox} />
      ) : (
        <BottomBar
          view={system ? null : place.view}
          urgent={inbox.numbers.urgent}
          onView={moves.goTo}
          onSearch={page.focusSearch}
          filters={nav}
        />
      )}
      <InboxAlarms inbox={inbox} />
      <Announcements inScope={inbox.covered.includes} />
      <Overlays open={inbox.overlay} asked={inbox.acts.asked} page={page} onClose={noOverlay} />
      {inbox.status.state === 'signed_out' && <SessionEnded status={inbox.status} onToken={inbox.onToken} />}
    </div>
  );
}
