import { lazy, Suspense, useCallback, useEffect, useMemo, useRef, useState } from 'react';
import { SlidersHorizontal } from 'lucide-react';
import { Toaster, toast } from 'sonner';
import { useAlertsApi, useAlertStore, useAlertStream, useConnectionStatus } from '@tocsin/react-client';
import type { Alert, AlertAct, AlertOrder, AlertStatus, Entry, Severity } from '@tocsin/contracts/wire';
import { useActs } from '../acts/use-acts';
import { Navigation } from '../search/navigation';
import { scopeOf } from '../search/scope-words';
import type { SearchHandle } from '../search/search-field';
import { SearchMistakes } from '../search/search-mistakes';
import { formatSearch, toggled } from '../search/search-syntax';
import type { Claims } from '../session/session';
import buttons from '../settings/icon-button.module.css';
import { usePreference } from '../settings/preferences';
import { isOperator, systemViewsOf, type SystemView } from '../system/system-rights';
import { tenantText } from '../tenants/scope';
import { TenantNotices } from '../tenants/tenant-notices';
import { useScope } from '../tenants/use-scope';
import { SeverityStrip } from '../strip/severity-strip';
import type { Span } from '../strip/spans';
import { isHeard, useDeafSince } from '../strip/use-deaf-since';
import { correctClock } from '../words/clock';
import { useWords } from '../words/words';
import { AlertList, type ListHandle } from './alert-list';
import { AlertToasts } from './alert-toasts';
import { Announcements } from './announcements';
import { CatchUpBanner, GapBanner, ReachedBanner, RevokedBanner } from './banners';
import { BottomBar, FilterSheet } from './bottom-bar';
import { ConnectionPill } from './connection-pill';
import { Header } from './header';
import styles from './layout.module.css';
import { Late } from './late';
import { ListHead } from './list-head';
import { NoRows } from './no-rows';
import { OpenAlert, preloadDetails } from './open-alert';
import { Overlays, type Overlay } from './overlays';
import { usePlace, type Grouping, type ListPlace, type View } from './place';
import { testAlert, useTestTenant } from './send-test';
import { SessionEnded } from './session-ended';
import { useCatchUp } from './use-catch-up';
import { useEverything } from './use-everything';
import { useGapSince } from './use-gap-since';
import { useIsNarrow } from './use-is-narrow';
import { useKeys, type PageActs } from './use-keys';
import { useLastEntryAt } from './use-last-entry-at';
import { useNumbers } from './use-numbers';
import { usePageTitle } from './use-page-title';
import { usePushSession } from './use-push-session';
import { useRinging } from './use-ringing';
import { useRowActs } from './use-row-acts';
import { useRows } from './use-rows';
import { useSeen } from './use-seen';
import { useSelection } from './use-selection';
import { preloadSnoozing, useSnoozing } from './use-snoozing';
import { useTenants } from './use-tenants';

const ROW_PX = { comfortable: 56, compact: 36 } as const;
const PHONE_ROW_PX = 68;
const NONE: readonly Alert[] = [];
/** Whether a list has open alerts without the snoozed ones, which are then counted apart. */
const isOpenOnly = (status: readonly AlertStatus[] | undefined): boolean =>
  status !== undefined && status.includes('firing') && !status.includes('snoozed');
/** Loaded when they are needed: most lists are not grouped, and most users see nothing of the system. */
const GroupList = lazy(() => import('./group-list'));
const SystemNav = lazy(() => import('../system/system-nav'));
const RefusedNotice = lazy(() => import('../system/refused-notice'));
const Refused = lazy(() => import('../system/refused'));
const Health = lazy(() => import('../system/health'));
/** Loaded on a phone only, when an alert rings. */
const PhoneBar = lazy(async () => ({ default: (await import('./phone-alerts')).PhoneBar }));
const UrgentLine = lazy(async () => ({ default: (await import('./phone-alerts')).UrgentLine }));

/** Loaded right after the page, or for a user with several tenants. */
const loadBulkBar = () => import('./bulk-bar');
const BulkBar = lazy(loadBulkBar);
const SettingsMenu = lazy(() => import('../settings/settings-menu'));
const TenantSwitcher = lazy(() => import('../tenants/tenant-switcher'));
const TenantTiles = lazy(() => import('../tenants/tenant-tiles'));

interface Props {
  claims: Claims;
  /** The tenants of the stream, if the user has more than it covers; undefined: all. */
  followed: readonly string[] | undefined;
  onFollow(tenants: readonly string[]): void;
  onToken(token: string | null): void;
}

/** The page of a signed-in user. It combines the state of all parts; the parts do the rendering. */
export function Inbox({ claims, followed, onFollow, onToken }: Props) {
  const { t } = useWords();
  const me = claims.user;
  const mayAct = claims.scopes.includes('alerts:write');
  const [place, move] = usePlace();
  const systemViews = useMemo(() => systemViewsOf(claims.scopes), [claims.scopes]);
  const operates = isOperator(claims.scopes);
  const system = place.system && systemViews.includes(place.system) ? place.system : null;
  const stream = useAlertStream();
  const store = useAlertStore();
  const api = useAlertsApi();
  const status = useConnectionStatus();
  useEffect(() => correctClock(status.clockOffsetMs), [status.clockOffsetMs]);
  const tenants = useTenants(status);

  const covered = useScope(place.tenant, me, followed, tenants.all, move);
  const listed = useRows(place, covered.asked);
  const { search, user, parsed, filtered, list, fresh, showFresh, paused, setPaused, setHandsOff } = listed;
  const { alerts } = list;
  const byResolution = search.status?.join() === 'resolved';
  const grouped = place.group !== 'none';
  const isOverview = place.overview !== null;
  // the rows of a grouped list belong to its groups, and keys act on no row behind the tiles
  const rows = grouped || isOverview ? NONE : listed.rows;
  const selection = useSelection(rows);
  const [current, setCurrent] = useState<string | null>(null);
  const seen = useSeen(alerts, list.loadedAt === null);
  const { isUnseen } = seen;
  const caughtUp = useCatchUp(alerts, list.hasMore, seen, covered.includes);
  usePageTitle(
    useMemo(() => alerts.filter((alert) => alert.severity === 'urgent' && isUnseen(alert)).length, [alerts, isUnseen]),
  );
  const lastEntryAt = useLastEntryAt();
  const gapSince = useGapSince(status.gap);
  const [span, setSpan] = useState<Span>('hour');
  const { stats, countedAt, facets, counts, urgent } = useNumbers(search, user, span);
  const scope = useMemo(
    () =>
      [
        t(`view.${place.view}`),
        ...(parsed.tenant.length > 0 ? [] : covered.tenants.map((id) => tenants.nameOf(id) ?? id)),
        ...scopeOf(parsed, t, tenants.nameOf),
      ].join(' · '),
    [t, place.view, covered.tenants, parsed, tenants.nameOf],
  );
  const deafSince = useDeafSince(status, countedAt);
  const everything = useEverything(search, facets, selection.ids);
  const selected = useMemo(
    () =>
      everything.alerts ??
      (selection.ids.size === 0 ? NONE : rows.filter(({ alert_id }) => selection.ids.has(alert_id))),
    [everything.alerts, rows, selection.ids],
  );

  const searchField = useRef<SearchHandle>(null);
  const grid = useRef<ListHandle>(null);
  const [overlay, setOverlay] = useState<Overlay | null>(null);
  const [searching, setSearching] = useState(false);
  const [density] = usePreference('rows');
  const [drawerWidth] = usePreference('drawerWidth');
  const isNarrow = useIsNarrow();
  const isLoaded = list.loadedAt !== null;
  useEffect(() => {
    if (!isLoaded) return;
    preloadDetails();
    preloadSnoozing();
    void loadBulkBar().catch(() => undefined);
  }, [isLoaded]);

  const isElsewhere = place.system !== null;
  const setSearch = useCallback(
    // a search is one of alerts: it leads back to their list
    (q: string) => move({ q, overview: null, ...(isElsewhere && { view: 'open' }) }, { replace: !isElsewhere }),
    [move, isElsewhere],
  );
  const goToSystem = useCallback((view: SystemView) => move({ system: view, alert: null, overview: null }), [move]);
  const goTo = useCallback((view: View) => move({ view, alert: null, overview: null }), [move]);
  const orderBy = useCallback((order: AlertOrder) => move({ order }), [move]);
  const groupBy = useCallback((group: Grouping) => move({ group }), [move]);
  const goToPlace = useCallback((saved: ListPlace) => move({ ...saved, alert: null, overview: null }), [move]);
  const showTenants = useCallback((isShown: boolean) => setOverlay(isShown ? 'tenants' : null), []);
  const hasTenants = tenants.all.length > 1 || followed !== undefined;
  const showOverview = useCallback(
    () => move({ overview: 'tenants', alert: null, ...(isElsewhere && { view: 'open' }) }),
    [move, isElsewhere],
  );
  const hasOpen = place.alert !== null;
  const open = useCallback(
    (alert: string | null) => move({ alert }, { replace: hasOpen && alert !== null }),
    [move, hasOpen],
  );
  const acts = useActs(seen.see);
  const { snooze, snoozeAnHour, menu: snoozeMenu } = useSnoozing(acts, selection);
  const rowActs = useRowActs({ acts, selection, open, see: seen.see, snooze, snoozeAnHour, setCurrent });
  const ringing = useRinging();
  const act = useCallback((alert: Alert, what: AlertAct) => acts.perform([alert], what), [acts]);
  const acknowledge = useCallback(
    ({ alert_id }: Entry) =>
      acts.perform(
        [store.get(alert_id)].filter((alert) => alert !== undefined),
        { act: 'acknowledge' },
      ),
    [acts, store],
  );
  const endPush = usePushSession(open);
  const signInAgain = useCallback(() => onToken(null), [onToken]);
  const signOut = useCallback(() => void endPush().then(() => onToken(null)), [endPush, onToken]);
  const testTenant = useTestTenant(claims.scopes.includes('events:publish'));
  const sendTest = useMemo(
    () =>
      testTenant
        ? () =>
            void api
              .publish(testAlert(testTenant, t))
              .catch((error: Error) => toast.error(t('error.title'), { description: error.message }))
        : null,
    [api, testTenant, t],
  );

  const toggleSeverity = useCallback(
    (severity: Severity) => setSearch(toggled(place.q, 'severity', severity)),
    [setSearch, place.q],
  );
  const setRange = useCallback(
    (from: Date, to: Date) =>
      setSearch(formatSearch({ ...parsed, after: from.toISOString(), before: to.toISOString() })),
    [setSearch, parsed],
  );

  const togglePause = useCallback(() => setPaused((before) => !before), [setPaused]);
  const showKeys = useCallback(() => setOverlay('keys'), []);
  const noOverlay = useCallback(() => setOverlay(null), []);
  const focusSearch = useCallback(() => {
    setSearching(true);
    requestAnimationFrame(() => searchField.current?.focus());
  }, []);

  const page: PageActs = {
    // no key acts on an alert that is not on the screen
    rows: system ? NONE : rows,
    find: (id) => store.get(id),
    selection,
    selected: system ? NONE : selected,
    mayAct,
    me,
    acts,
    t,
    place,
    move,
    tenants: hasTenants ? tenants.all : [],
    open,
    showFresh,
    sendTest,
    snooze,
    current: place.alert ?? (system || isOverview ? null : current),
    togglePause,
    show: setOverlay,
    focusRow: (id) => grid.current?.focusRow(id),
    focusSearch,
    toggleSeverity,
    toggleOverview: hasTenants ? () => (isOverview ? move({ overview: null }) : showOverview()) : undefined,
  };
  useKeys(page);

  const listedTenants = useMemo(
    () => tenants.all.filter(({ tenant_id }) => covered.includes(tenant_id)),
    [tenants.all, covered],
  );
  // Memoised, so that the parts around the list are not rendered again for each new alert.
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
  const menu = useMemo(
    () => (
      <Suspense fallback={<span className={buttons.button} aria-hidden />}>
        <SettingsMenu user={me} onTest={sendTest} onKeys={showKeys} onSignOut={signOut} />
      </Suspense>
    ),
    [me, sendTest, showKeys, signOut],
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
  const toasterRight = hasOpen && !isNarrow ? drawerWidth + 20 : 20;
  const toaster = useMemo(
    () => (
      <Toaster
        position={isNarrow ? 'top-center' : 'bottom-right'}
        offset={{ right: toasterRight, bottom: 20 }}
        visibleToasts={5}
        gap={10}
        expand
        containerAriaLabel={t('toast.region')}
      />
    ),
    [isNarrow, toasterRight, t],
  );
  // it acts on alerts of the list, and there is none beside the tiles or the parts of the system
  const bulkBar = selected.length > 0 && !system && !isOverview && (
    <Late>
      <BulkBar
        count={selected.length}
        listed={rows.length}
        everything={list.hasMore ? everything : null}
        mayAct={mayAct}
        onAct={(what) => acts.perform(selected, what, selection.none)}
        onAll={selection.all}
        onNone={selection.none}
      />
    </Late>
  );
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
      <Header
        search={searchField}
        q={place.q}
        facets={facets}
        paused={paused}
        showsSearch={searching || place.q !== ''}
        tenants={switcher}
        pill={pill}
        menu={menu}
        onSearch={setSearch}
        onPause={togglePause}
      />
      <div className={styles.nav}>
        {nav}
        {filterSheet}
      </div>
      <main className={styles.main} id="alerts" data-resolved={byResolution}>
        {status.gap && <GapBanner gap={status.gap} since={gapSince} onLoad={() => void list.reload()} />}
        {tenants.revoked && <RevokedBanner tenant={tenants.revoked} onDismiss={tenants.dismiss} />}
        {caughtUp.missed && (
          <CatchUpBanner
            {...caughtUp.missed}
            onShow={() => {
              showFresh();
              // ten low ones would hide the urgent one below them
              const order = caughtUp.missed?.urgent ? 'severity' : 'newest';
              move({ view: 'open', q: '', order, group: 'none' });
              caughtUp.told();
            }}
            onSeen={() => {
              seen.seeAll();
              caughtUp.seen();
            }}
          />
        )}
        <TenantNotices
          scope={covered}
          tenants={tenants.all}
          followed={followed}
          areTooMany={status.reason === 'too_many_tenants'}
          onShow={(others) => move({ tenant: tenantText(others), view: 'open', q: 'severity:urgent', overview: null })}
          onChoose={() => showTenants(true)}
          onFollow={onFollow}
        />
        {system ? (
          <Late>
            {system === 'health' ? (
              <Health onRefused={() => goToSystem('refused')} />
            ) : (
              <Refused isOperator={operates} nameOf={tenants.nameOf} />
            )}
          </Late>
        ) : isOverview ? (
          <Late>
            <TenantTiles
              tenants={tenants.all}
              isPart={followed !== undefined}
              onTenant={(one) => move({ tenant: one, overview: null, view: 'open', q: '' })}
              onClose={() => move({ overview: null })}
            />
          </Late>
        ) : (
          <>
            <SeverityStrip
              scope={scope}
              facets={facets}
              snoozedApart={isOpenOnly(search.status)}
              stats={stats}
              deafSince={deafSince}
              span={span}
              chosen={parsed.severity}
              onSpan={setSpan}
              onSeverity={toggleSeverity}
              onRange={setRange}
            />
            {bulkBar && !isNarrow ? (
              bulkBar
            ) : (
              <ListHead
                place={place}
                byResolution={byResolution}
                asOf={isHeard(status.state) ? null : status.lastHeardAt}
                onSearch={setSearch}
                onOrder={orderBy}
                onGroup={groupBy}
              />
            )}
            <SearchMistakes q={place.q} onSearch={setSearch} />
            {rows.length > 0 && list.endedEarly && list.searched?.reached && (
              <ReachedBanner
                order={place.order}
                reached={list.searched.reached}
                onFurther={() => void list.loadMore()}
              />
            )}
            {listed.rows.length === 0 && fresh.length === 0 ? (
              <NoRows
                list={list}
                place={place}
                filtered={filtered}
                byStatus={facets?.status}
                tenants={covered.asked}
                tenant={testTenant ?? tenants.all[0]?.tenant_id ?? 'my-tenant'}
                forbidden={status.state === 'forbidden' ? status : null}
                user={me}
                onClear={() => setSearch('')}
                onAll={() => goTo('all')}
                onTest={sendTest}
                onSignOut={signOut}
                notice={
                  systemViews.includes('refused') && (
                    <Late>
                      <RefusedNotice isOperator={operates} onWhy={() => goToSystem('refused')} />
                    </Late>
                  )
                }
              />
            ) : grouped ? (
              <Late>
                <GroupList
                  search={search}
                  by={place.group as Exclude<Grouping, 'none'>}
                  rowHeight={isNarrow ? PHONE_ROW_PX : ROW_PX[density]}
                  current={current}
                  openAlert={place.alert}
                  isUnseen={isUnseen}
                  nameOfTenant={tenants.nameOf}
                  mayAct={mayAct}
                  acts={rowActs}
                  onAct={acts.perform}
                />
              </Late>
            ) : (
              <AlertList
                ref={grid}
                rows={rows}
                fresh={fresh}
                leaving={listed.leaving}
                rowHeight={isNarrow ? PHONE_ROW_PX : ROW_PX[density]}
                newSince={search.order === 'newest' ? caughtUp.newSince : null}
                current={current}
                selected={selection.ids}
                openAlert={place.alert}
                isUnseen={isUnseen}
                tenantName={(alert) => tenants.nameOf(alert.tenant_id)}
                mayAct={mayAct}
                acts={rowActs}
                hasMore={list.hasMore}
                loadMore={list.endedEarly ? null : list.loadMore}
                showFresh={showFresh}
                onSettled={setHandsOff}
              />
            )}
          </>
        )}
      </main>
      {place.alert && (
        <div className={styles.drawer}>
          <OpenAlert
            key={place.alert}
            alertId={place.alert}
            me={me}
            mayAct={mayAct}
            tenantName={tenants.nameOf}
            onAct={act}
            onLabel={(key, value) =>
              move({ alert: null, q: formatSearch({ ...parsed, labels: { ...parsed.labels, [key]: value } }) })
            }
            onClose={() => open(null)}
            focusRow={page.focusRow}
            notice={
              isNarrow &&
              ringing.all.length > 0 && (
                <Late>
                  <UrgentLine ringing={ringing} onOpen={open} />
                </Late>
              )
            }
          />
        </div>
      )}
      {isNarrow && bulkBar ? (
        bulkBar
      ) : (
        <BottomBar
          view={system ? null : place.view}
          urgent={urgent}
          onView={goTo}
          onSearch={focusSearch}
          filters={nav}
        />
      )}
      {toaster}
      {isNarrow && !hasOpen && ringing.all.length > 0 && (
        <Late>
          <PhoneBar
            ringing={ringing}
            mayAct={mayAct}
            tenantName={tenants.nameOf}
            onOpen={open}
            onAcknowledge={acknowledge}
            onShow={showFresh}
          />
        </Late>
      )}
      {snoozeMenu}
      <AlertToasts
        ringing={isNarrow ? ringing : null}
        me={me}
        openAlert={place.alert}
        mayAct={mayAct}
        inScope={covered.includes}
        tenantName={tenants.nameOf}
        onOpen={open}
        onAcknowledge={acknowledge}
        onShow={showFresh}
      />
      <Announcements inScope={covered.includes} />
      <Overlays open={overlay} asked={acts.asked} page={page} onClose={noOverlay} />
      {status.state === 'signed_out' && <SessionEnded status={status} onToken={onToken} />}
    </div>
  );
}
