import { lazy, useCallback } from 'react';
import { CloudOff } from 'lucide-react';
import type { AlertStatus, Severity } from '@tocsin/contracts/wire';
import { SearchMistakes } from '../search/search-mistakes';
import { formatSearch } from '../search/search-syntax';
import { usePreference } from '../settings/preferences';
import { SeverityStrip } from '../strip/severity-strip';
import { asOf } from '../strip/use-deaf-since';
import { useWords } from '../words/words';
import { AlertList } from './alert-list';
import { Banner, ReachedBanner } from './banners';
import { Late } from './late';
import { hasBulkBar, ListBulkBar } from './list-bulk-bar';
import { ListHead } from './list-head';
import { NoRows } from './no-rows';
import layout from './layout.module.css';
import type { Grouping } from './place';
import type { InboxState } from './use-inbox';

const ROW_PX = { comfortable: 56, compact: 36 } as const;
const PHONE_ROW_PX = 68;
/** Loaded when they are needed: most lists are not grouped, and most users see nothing of the system. */
const GroupList = lazy(() => import('./group-list'));
const RefusedNotice = lazy(() => import('../system/refused-notice'));

/** Whether a list has open alerts without the snoozed ones, which are then counted apart. */
const isOpenOnly = (status: readonly AlertStatus[] | undefined): boolean =>
  status !== undefined && status.includes('firing') && !status.includes('snoozed');

/** The numbers of the search, and under them the list of its alerts or of their groups. */
export function InboxList({
  inbox,
  byResolution,
  onSeverity,
}: {
  inbox: InboxState;
  byResolution: boolean;
  onSeverity(severity: Severity): void;
}) {
  const { t } = useWords();
  const { place, status, rows, isNarrow, grouped, covered, tenants, test, current, seen, mayAct, rowActs } = inbox;
  const { search, parsed, filtered, list, fresh, showFresh, setHandsOff, leaving, rows: all } = inbox.listed;
  const { facets, stats } = inbox.numbers;
  const { setSearch, orderBy, groupBy, goTo, goToSystem } = inbox.moves;
  const [density] = usePreference('rows');
  const rowHeight = isNarrow ? PHONE_ROW_PX : ROW_PX[density];
  const setRange = useCallback(
    (from: Date, to: Date) =>
      setSearch(formatSearch({ ...parsed, after: from.toISOString(), before: to.toISOString() })),
    [setSearch, parsed],
  );
  return (
    <>
      <SeverityStrip
        scope={inbox.scope}
        facets={facets}
        snoozedApart={isOpenOnly(search.status)}
        stats={stats}
        deafSince={inbox.deafSince}
        span={inbox.span}
        chosen={parsed.severity}
        onSpan={inbox.setSpan}
        onSeverity={onSeverity}
        onRange={setRange}
      />
      {hasBulkBar(inbox) && !isNarrow ? (
        <ListBulkBar inbox={inbox} />
      ) : (
        <ListHead
          place={place}
          byResolution={byResolution}
          asOf={asOf(status, list.loadedAt)}
          onSearch={setSearch}
          onOrder={orderBy}
          onGroup={groupBy}
        />
      )}
      <SearchMistakes q={place.q} onSearch={setSearch} />
      {rows.length > 0 && list.endedEarly && list.searched?.reached && (
        <ReachedBanner order={place.order} reached={list.searched.reached} onFurther={() => void list.loadMore()} />
      )}
      {list.error && list.loadedAt !== null && !grouped && (
        <Banner
          testId="list-error"
          icon={<CloudOff size={16} aria-hidden />}
          first={[t('error.retry'), () => void list.reload()]}
        >
          {t('error.title')}. {list.error.message}
        </Banner>
      )}
      {all.length === 0 && fresh.length === 0 ? (
        <NoRows
          list={list}
          place={place}
          filtered={filtered}
          byStatus={facets?.status}
          tenants={covered.asked}
          tenant={test.tenant ?? tenants.all[0]?.tenant_id ?? 'my-tenant'}
          forbidden={status.state === 'forbidden' ? status : null}
          user={inbox.me}
          onClear={() => setSearch('')}
          onAll={() => goTo('all')}
          onTest={test.send}
          onSignOut={inbox.signOut}
          notice={
            inbox.systemViews.includes('refused') && (
              <Late>
                <RefusedNotice isOperator={inbox.operates} onWhy={() => goToSystem('refused')} />
              </Late>
            )
          }
        />
      ) : grouped ? (
        <Late broken={<p className={layout.error}>{t('error.part')}</p>}>
          <GroupList
            search={search}
            by={place.group as Exclude<Grouping, 'none'>}
            rowHeight={rowHeight}
            current={current}
            openAlert={place.alert}
            isUnseen={seen.isUnseen}
            nameOfTenant={tenants.nameOf}
            mayAct={mayAct}
            acts={rowActs}
            onAct={inbox.acts.perform}
          />
        </Late>
      ) : (
        <AlertList
          ref={inbox.grid}
          rows={rows}
          fresh={fresh}
          leaving={leaving}
          rowHeight={rowHeight}
          newSince={search.order === 'newest' ? inbox.caughtUp.newSince : null}
          current={current}
          selected={inbox.selection.ids}
          openAlert={place.alert}
          isUnseen={seen.isUnseen}
          tenantName={(alert) => tenants.nameOf(alert.tenant_id)}
          mayAct={mayAct}
          acts={rowActs}
          hasMore={list.hasMore}
          // after a failure only the user, or the next connection, asks again; while a load is under way none is begun,
          // and the list asks when it is over
          loadMore={list.loading || list.endedEarly || list.loadingMore || list.error ? null : list.loadMore}
          showFresh={showFresh}
          onSettled={setHandsOff}
        />
      )}
    </>
  );
}
