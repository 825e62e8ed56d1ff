import { useInfiniteQuery, useQuery } from '@tanstack/react-query';
import { useEffect } from 'react';
import { ApiProblem, useAlertsApi } from '@tocsin/react-client';
import type { DeadLetterPage, DeadLetterSummary, RefusedMessage } from '@tocsin/contracts/wire';
import { useMemberships } from '../session/use-memberships';

/** How often the open page asks how many messages are refused, in milliseconds: one small query of the database. */
const LOOK_EVERY_MS = 5_000;
/** The same after a failure. */
const LOOK_AGAIN_MS = 30_000;
/** The role that may only read. */
const VIEWER = 'viewer';

interface RefusedSummary {
  summary: DeadLetterSummary | undefined;
  isKnown: boolean;
  /** When it was last loaded, by `Date.now()`; 0: not yet. */
  lookedAt: number;
}

/**
 * How many messages are refused, asked for regularly while the page is visible. All parts of the page share one
 * request. A failed request leaves `isKnown` false, so that no old number is shown as the present one.
 */
export function useRefusedSummary(): RefusedSummary {
  const api = useAlertsApi();
  const { data, error, dataUpdatedAt } = useQuery({
    queryKey: ['refused', 'summary'],
    queryFn: ({ signal }) => api.call<DeadLetterSummary>('GET', '/dead-letters/summary', { signal }),
    refetchInterval: ({ state }) => {
      if (state.error === null) return LOOK_EVERY_MS;
      // what the server refuses for good is not asked for again
      return state.error instanceof ApiProblem && !state.error.passes ? false : LOOK_AGAIN_MS;
    },
    refetchOnWindowFocus: true,
    networkMode: 'always',
  });
  return { summary: data, isKnown: data !== undefined && error === null, lookedAt: dataUpdatedAt };
}

/**
 * The open letters, the newest first. They are loaded again after each look at the summary, also when it stayed the
 * same: the list may have shown a letter that came and was decided between two looks.
 */
export function useRefusedMessages(reason: string | null, { summary, lookedAt }: RefusedSummary) {
  const api = useAlertsApi();
  const list = useInfiniteQuery({
    queryKey: ['refused', 'list', reason, summary?.open, summary?.newest?.dead_letter_id],
    queryFn: ({ signal, pageParam }) =>
      api.call<DeadLetterPage>('GET', '/dead-letters', {
        query: { order: 'newest', reason: reason ?? undefined, cursor: pageParam ?? undefined },
        signal,
      }),
    initialPageParam: null as string | null,
    getNextPageParam: ({ cursor }) => cursor,
    enabled: summary !== undefined,
    placeholderData: (before, query) => (query?.queryKey[2] === reason ? before : undefined),
    networkMode: 'always',
  });
  const { refetch, dataUpdatedAt: loadedAt, data } = list;
  // all pages are loaded again, so with several not at each look
  const isDue = (data?.pages.length ?? 0) <= 1 || lookedAt - loadedAt > LOOK_AGAIN_MS;
  useEffect(() => {
    // what is being loaded already was asked for because the summary changed
    if (lookedAt > 0 && isDue) void refetch({ cancelRefetch: false });
    // once for each look
  }, [lookedAt, refetch]);
  return list;
}

/**
 * In which tenants the user may decide. An operator may everywhere; other users where their role is more than to read.
 * `none`: in no tenant, and then the page shows no refused messages at all. Undefined until the roles are known.
 */
export function useDeciding(
  isOperator: boolean,
): { none: boolean; mayDecide(letter: RefusedMessage): boolean } | undefined {
  const memberships = useMemberships(!isOperator);
  if (isOperator) return { none: false, mayDecide: () => true };
  if (!memberships) return undefined;
  const acting = new Set(
    memberships.filter(({ role }) => role.toLowerCase() !== VIEWER).map(({ tenant_id }) => tenant_id),
  );
  return { none: acting.size === 0, mayDecide: ({ tenant_id }) => tenant_id !== null && acting.has(tenant_id) };
}
