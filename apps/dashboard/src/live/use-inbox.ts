import { useCallback, useEffect, useMemo, useRef, useState } from 'react';
import { useAlertStore, useAlertStream, useConnectionStatus } from '@tocsin/react-client';
import type { Alert } from '@tocsin/contracts/wire';
import { useActs } from '../acts/use-acts';
import { scopeOf } from '../search/scope-words';
import type { SearchHandle } from '../search/search-field';
import type { Claims } from '../session/session';
import { isOperator, systemViewsOf } from '../system/system-rights';
import { useScope } from '../tenants/use-scope';
import type { Span } from '../strip/spans';
import { useDeafSince } from '../strip/use-deaf-since';
import { correctClock } from '../words/clock';
import { useWords } from '../words/words';
import type { ListHandle } from './alert-list';
import { preloadBulkBar } from './late-bulk-bar';
import { preloadDetails } from './open-alert';
import type { Overlay } from './overlays';
import { usePlace } from './place';
import { useSendTest } from './send-test';
import { useCatchUp } from './use-catch-up';
import { useEverything } from './use-everything';
import { useGapSince } from './use-gap-since';
import { useIsNarrow } from './use-is-narrow';
import { useMoves } from './use-moves';
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

const NONE: readonly Alert[] = [];

export interface InboxProps {
  claims: Claims;
  /** The tenants of the stream, if the user has more than it covers; undefined: all. */
  followed: readonly string[] | undefined;
  onFollow(tenants: readonly string[]): void;
  onToken(token: string | null): void;
}

/** The state of the page, which its parts share. */
export type InboxState = ReturnType<typeof useInbox>;

/** Combines the state of all parts of the page of a signed-in user. */
export function useInbox({ claims, followed, onFollow, onToken }: InboxProps) {
  const { t } = useWords();
  const me = claims.user;
  const [place, move] = usePlace();
  const systemViews = useMemo(() => systemViewsOf(claims.scopes), [claims.scopes]);
  const system = place.system && systemViews.includes(place.system) ? place.system : null;
  const stream = useAlertStream();
  const store = useAlertStore();
  const status = useConnectionStatus();
  useEffect(() => correctClock(status.clockOffsetMs), [status.clockOffsetMs]);
  const tenants = useTenants(status);

  const covered = useScope(place.tenant, me, followed, tenants.all, move);
  const listed = useRows(place, covered.asked);
  const { search, user, parsed, list } = listed;
  const { alerts } = list;
  const grouped = place.group !== 'none';
  const isOverview = place.overview !== null;
  // the rows of a grouped list belong to its groups, and keys act on no row behind the tiles
  const rows = grouped || isOverview ? NONE : listed.rows;
  const selection = useSelection(rows);
  const [current, setCurrent] = useState<string | null>(null);
  const seen = useSeen(alerts, list.loadedAt === null, place.alert);
  const { isUnseen } = seen;
  const caughtUp = useCatchUp(alerts, list.hasMore, seen, covered.includes);
  usePageTitle(
    useMemo(() => alerts.filter((alert) => alert.severity === 'urgent' && isUnseen(alert)).length, [alerts, isUnseen]),
  );
  const gapSince = useGapSince(status.gap);
  const [span, setSpan] = useState<Span>('hour');
  const numbers = useNumbers(search, user, span);
  const scope = useMemo(
    () =>
      [
        t(`view.${place.view}`),
        ...(parsed.tenant.length > 0 ? [] : covered.tenants.map((id) => tenants.nameOf(id) ?? id)),
        ...scopeOf(parsed, t, tenants.nameOf),
      ].join(' · '),
    [t, place.view, covered.tenants, parsed, tenants.nameOf],
  );
  const deafSince = useDeafSince(status, numbers.countedAt);
  const everything = useEverything(search, numbers.facets, selection.ids);
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
  const isLoaded = list.loadedAt !== null;
  useEffect(() => {
    if (!isLoaded) return;
    preloadDetails();
    preloadSnoozing();
    preloadBulkBar();
  }, [isLoaded]);

  const moves = useMoves(place, move);
  const acts = useActs(seen.see);
  const { snooze, snoozeAnHour, menu: snoozeMenu } = useSnoozing(acts, selection);
  const rowActs = useRowActs({ acts, selection, open: moves.open, snooze, snoozeAnHour, setCurrent });
  const endPush = usePushSession(moves.open);
  const signOut = useCallback(() => void endPush().then(() => onToken(null)), [endPush, onToken]);
  return {
    ...{ me, place, move, moves, systemViews, system, stream, store, status, tenants, covered, listed, grouped },
    ...{ isOverview, rows, selection, current, seen, caughtUp, gapSince, span, setSpan, numbers, scope, deafSince },
    ...{ everything, selected, searchField, grid, overlay, setOverlay, searching, setSearching, acts, snooze },
    ...{ snoozeMenu, rowActs, followed, onFollow, onToken, signOut },
    mayAct: claims.scopes.includes('alerts:write'),
    operates: isOperator(claims.scopes),
    hasTenants: tenants.all.length > 1 || followed !== undefined,
    isNarrow: useIsNarrow(),
    ringing: useRinging(),
    test: useSendTest(claims.scopes.includes('events:publish')),
  };
}
