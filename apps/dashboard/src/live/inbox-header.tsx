import { lazy, useCallback, useMemo } from 'react';
import { ConnectionPill } from './connection-pill';
import { Header, NO_BUTTON } from './header';
import { Late } from './late';
import type { InboxState } from './use-inbox';
import { useLastEntryAt } from './use-last-entry-at';

/** Loaded right after the page, or for a user with several tenants. */
const SettingsMenu = lazy(() => import('../settings/settings-menu'));
const TenantSwitcher = lazy(() => import('../tenants/tenant-switcher'));

/** The top of the page. Its parts are memoised, so that they are not rendered again for each new alert. */
export function InboxHeader({ inbox, onPause }: { inbox: InboxState; onPause(): void }) {
  const { me, place, status, stream, tenants, followed, covered, overlay, setOverlay, hasTenants, onToken } = inbox;
  const { paused, fresh } = inbox.listed;
  const { setSearch, showOverview } = inbox.moves;
  const lastEntryAt = useLastEntryAt();
  const showTenants = useCallback((isShown: boolean) => setOverlay(isShown ? 'tenants' : null), [setOverlay]);
  const showKeys = useCallback(() => setOverlay('keys'), [setOverlay]);
  const signInAgain = useCallback(() => onToken(null), [onToken]);
  const switcher = useMemo(
    () =>
      hasTenants && (
        <Late>
          <TenantSwitcher
            user={me}
            tenants={tenants.all}
            isPart={followed !== undefined}
            scope={covered.tenants}
            open={overlay === 'tenants'}
            onOpen={showTenants}
            onChoose={covered.choose}
            onOverview={showOverview}
          />
        </Late>
      ),
    [hasTenants, me, tenants.all, followed, covered, overlay, showTenants, showOverview],
  );
  const pill = useMemo(
    () => (
      <ConnectionPill
        status={status}
        paused={paused}
        fresh={fresh.length}
        lastEntryAt={lastEntryAt}
        onReconnect={() => stream.reconnect()}
        onSignIn={signInAgain}
      />
    ),
    [status, paused, fresh.length, lastEntryAt, stream, signInAgain],
  );
  const sendTest = inbox.test.send;
  const { signOut } = inbox;
  const menu = useMemo(
    () => (
      <Late waiting={NO_BUTTON} broken={NO_BUTTON}>
        <SettingsMenu user={me} onTest={sendTest} onKeys={showKeys} onSignOut={signOut} />
      </Late>
    ),
    [me, sendTest, showKeys, signOut],
  );
  return (
    <Header
      search={inbox.searchField}
      q={place.q}
      facets={inbox.numbers.facets}
      paused={paused}
      showsSearch={inbox.searching || place.q !== ''}
      tenants={switcher}
      pill={pill}
      menu={menu}
      onSearch={setSearch}
      onPause={onPause}
    />
  );
}
