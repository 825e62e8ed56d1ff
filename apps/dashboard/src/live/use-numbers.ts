import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useEffect, useMemo, useRef } from 'react';
import { useAlertsApi, useAlertStream } from '@tocsin/react-client';
import type { AlertFacets, AlertFilter, AlertSearch, AlertStats, AlertStatus, Severity } from '@tocsin/contracts/wire';
import { chartAt, type Span } from '../strip/spans';
import { serverNow } from '../words/clock';
import { VIEW_FILTERS, type View } from './place';

/**
 * The counts are requested at most once in this time, however many entries arrive; after a quiet time the first entry
 * requests them at once.
 */
const COUNT_EVERY_MS = 2_000;
/** The chart is refreshed this often even without entries, because its time axis moves on. */
const MOVE_ON_MS = 30_000;
const COMMON = { refetchInterval: MOVE_ON_MS, staleTime: 1_000 };

export interface Numbers {
  /** The chart: what the list's filters select, by when it was first seen. */
  stats: AlertStats | undefined;
  /** When the stats were counted, by `Date.now()`; 0: not yet. */
  countedAt: number;
  /** The counts of the list's own search. */
  facets: AlertFacets | undefined;
  /** How many alerts a view has with the user's filters, for the views that show a count. */
  counts: Partial<Record<View, number>>;
  /** How many open alerts with the user's filters are urgent; undefined: not known. */
  urgent: number | undefined;
}

/**
 * The counts around the list. The server counts, because the browser knows only the alerts that it has loaded. All of
 * them have the list's filters, so that no number answers another question than the list.
 */
export function useNumbers(search: AlertSearch, user: AlertFilter, span: Span): Numbers {
  const api = useAlertsApi();
  useRefreshAfterEntries('numbers');
  const { order: _, limit: __, ...filter } = search;
  const { from: ___, to: ____, ...charted } = filter;
  const { data: stats, dataUpdatedAt: countedAt } = useQuery<AlertStats>({
    ...COMMON,
    placeholderData: sameScope(charted),
    queryKey: ['numbers', 'stats', charted, span],
    queryFn: ({ signal }) => api.stats({ ...charted, ...chartAt(span, serverNow()) }, signal),
  });
  const { data: facets } = useQuery<AlertFacets | null>({
    ...COMMON,
    placeholderData: sameScope(filter),
    queryKey: ['numbers', 'facets', filter],
    queryFn: ({ signal }) =>
      api.list({ ...filter, facets: true, limit: 1 }, signal).then((page) => page.facets ?? null),
  });
  const views = useViewCounts(user);
  return { stats, countedAt, facets: facets ?? undefined, ...views };
}

/** The numbers beside the views: what each would list with the user's filters. */
function useViewCounts({ status: _, ...filter }: AlertFilter): Pick<Numbers, 'counts' | 'urgent'> {
  const api = useAlertsApi();
  const open = { ...filter, status: VIEW_FILTERS.open.status };
  const { data: facets } = useQuery<AlertFacets | null>({
    ...COMMON,
    placeholderData: sameScope(open),
    queryKey: ['numbers', 'facets', open],
    queryFn: ({ signal }) => api.list({ ...open, facets: true, limit: 1 }, signal).then((page) => page.facets ?? null),
  });
  const mine = { ...filter, ...VIEW_FILTERS.mine };
  const { data: myFacets } = useQuery<AlertFacets | null>({
    ...COMMON,
    placeholderData: sameScope(mine),
    queryKey: ['numbers', 'facets', mine],
    queryFn: ({ signal }) => api.list({ ...mine, facets: true, limit: 1 }, signal).then((page) => page.facets ?? null),
  });
  return useMemo(
    () => ({
      counts: {
        ...(facets && {
          open: countOf(facets, VIEW_FILTERS.open.status),
          snoozed: countOf(facets, VIEW_FILTERS.snoozed.status),
        }),
        ...(myFacets && { mine: countOf(myFacets, VIEW_FILTERS.mine.status) }),
      },
      urgent: facets ? countOf(facets, VIEW_FILTERS.open.status, 'urgent') : undefined,
    }),
    [facets, myFacets],
  );
}

/**
 * The previous numbers stay until the next ones are loaded, but never those of another scope: while a filter is new,
 * its numbers are not known.
 */
const sameScope =
  (scope: AlertFilter) =>
  <T>(previous: T | undefined, query?: { queryKey: readonly unknown[] }): T | undefined =>
    JSON.stringify(query?.queryKey[2]) === JSON.stringify(scope) ? previous : undefined;

/** How many alerts of a search have one of these statuses, or of these and a severity that the search does not fix. */
function countOf({ status, severity }: AlertFacets, statuses: readonly AlertStatus[], only?: Severity): number {
  if (only) return severity[only] ?? 0;
  return statuses.reduce((sum, one) => sum + (status[one] ?? 0), 0);
}

/** Asks again for the queries whose key begins with `key` when entries arrive, at most every two seconds. */
export function useRefreshAfterEntries(key: string): void {
  const queries = useQueryClient();
  const state = useRef({
    askedAt: Number.NEGATIVE_INFINITY,
    timer: undefined as ReturnType<typeof setTimeout> | undefined,
  });
  useEffect(() => () => clearTimeout(state.current.timer), []);
  const refresh = () => {
    const { current } = state;
    if (current.timer) return;
    current.timer = setTimeout(
      () => {
        current.timer = undefined;
        current.askedAt = performance.now();
        // to ask again would end a count that is still under way, and a slow one would never come
        if (queries.isFetching({ queryKey: [key] }) > 0) refresh();
        else void queries.invalidateQueries({ queryKey: [key] });
      },
      Math.max(0, current.askedAt + COUNT_EVERY_MS - performance.now()),
    );
  };
  // also on `connection`: a stream that is back may bring no entry, and the counts may still be out of date
  useAlertStream({ entry: refresh, connection: refresh });
}
