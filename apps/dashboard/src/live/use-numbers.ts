import { keepPreviousData, useQuery, useQueryClient } from '@tanstack/react-query';
import { useEffect, useMemo, useRef } from 'react';
import { useAlertsApi, useAlertStream } from '@tocsin/react-client';
import type { AlertFacets, AlertSearch, AlertStats, AlertStatus } from '@tocsin/contracts/wire';
import { BUCKETS, SPAN_MS, type Span } from '../strip/spans';
import { serverNow } from '../words/clock';
import { VIEW_FILTERS, type View } from './place';

/**
 * The counts are requested at most once in this time, however many entries arrive; after a quiet time the first entry
 * requests them at once.
 */
const COUNT_EVERY_MS = 2_000;
/** The chart is refreshed this often even without entries, because its time axis moves on. */
const MOVE_ON_MS = 30_000;
/** The previous numbers stay until the next ones are loaded. */
const COMMON = { refetchInterval: MOVE_ON_MS, staleTime: 1_000, placeholderData: keepPreviousData };

interface Numbers {
  stats: AlertStats | undefined;
  /** When the stats were counted, by `Date.now()`; 0: not yet. */
  countedAt: number;
  facets: AlertFacets | undefined;
  /** How many alerts a view has, for the views that show a count. */
  counts: Partial<Record<View, number>>;
}

/** The counts around the list. The server counts, because the browser knows only the alerts that it has loaded. */
export function useNumbers(search: AlertSearch, span: Span): Numbers {
  const api = useAlertsApi();
  useRefreshAfterEntries('numbers');
  const { data: stats, dataUpdatedAt: countedAt } = useQuery<AlertStats>({
    ...COMMON,
    queryKey: ['numbers', 'stats', span],
    queryFn: ({ signal }) => {
      const now = serverNow();
      return api.stats(
        { from: new Date(now - SPAN_MS[span]).toISOString(), to: new Date(now).toISOString(), buckets: BUCKETS },
        signal,
      );
    },
  });
  const { order: _, limit: __, ...filter } = search;
  const { data: facets } = useQuery<AlertFacets | null>({
    ...COMMON,
    queryKey: ['numbers', 'facets', filter],
    queryFn: ({ signal }) =>
      api.list({ ...filter, facets: true, limit: 1 }, signal).then((page) => page.facets ?? null),
  });
  const { data: mine } = useQuery<number>({
    ...COMMON,
    queryKey: ['numbers', 'mine'],
    queryFn: ({ signal }) =>
      api.list({ ...VIEW_FILTERS.mine, facets: true, limit: 1 }, signal).then((page) => sumOf(page.facets?.severity)),
  });
  const counts = useMemo(
    () => ({
      ...(stats && {
        open: countOf(stats, 'firing') + countOf(stats, 'acknowledged'),
        snoozed: countOf(stats, 'snoozed'),
      }),
      ...(mine !== undefined && { mine }),
    }),
    [stats, mine],
  );
  return { stats, countedAt, facets: facets ?? undefined, counts };
}

const countOf = ({ open }: AlertStats, status: AlertStatus): number => open.status[status] ?? 0;
const sumOf = (counts: Record<string, number> = {}): number =>
  Object.values(counts).reduce((sum, count) => sum + count, 0);

function useRefreshAfterEntries(key: string): void {
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
        void queries.invalidateQueries({ queryKey: [key] });
      },
      Math.max(0, current.askedAt + COUNT_EVERY_MS - performance.now()),
    );
  };
  // also on `connection`: a stream that is back may bring no entry, and the counts may still be out of date
  useAlertStream({ entry: refresh, connection: refresh });
}
