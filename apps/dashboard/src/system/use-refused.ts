import { useInfiniteQuery, useQuery } from '@tanstack/react-query';
import { ApiProblem, useAlertsApi } from '@tocsin/react-client';
import type { DeadLetterPage, DeadLetterSummary, RefusedMessage } from '@tocsin/contracts/wire';
import { useMemberships } from '../session/use-memberships';

/** How often the open page asks how many messages are refused, in milliseconds: one small query of the database. */
const LOOK_EVERY_MS = 5_000;
/** The same after a failure. */
const LOOK_AGAIN_MS = 30_000;
/** The role that may only read. */
const VIEWER = 'viewer';

/** When to ask again, in milliseconds; false: what the server refuses for good is not asked for again. */
function nextLook({ state: { error } }: { state: { error: Error | null } }): number | false {
  if (error === null) return LOOK_EVERY_MS;
  return error instanceof ApiProblem && !error.passes ? false : LOOK_AGAIN_MS;
}

/**
 * How many messages are refused, asked for regularly while the page is visible. All parts of the page share one
 * request. A failed request leaves `isKnown` false, so that no old number is shown as the present one.
 */
export function useRefusedSummary(): { summary: DeadLetterSummary | undefined; isKnown: boolean } {
  const api = useAlertsApi();
  const { data, error } = useQuery({
    queryKey: ['refused', 'summary'],
    queryFn: ({ signal }) => api.call<DeadLetterSummary>('GET', '/dead-letters/summary', { signal }),
    refetchInterval: nextLook,
    refetchOnWindowFocus: true,
    networkMode: 'always',
  });
  return { summary: data, isKnown: data !== undefined && error === null };
}

/**
 * The open letters, the newest first. They are loaded again whenever the summary changes, and regularly: a letter that
 * came and was decided between two looks at the summary changes nothing in it, though the list may have shown it.
 */
export function useRefusedMessages(reason: string | null, summary: DeadLetterSummary | undefined) {
  const api = useAlertsApi();
  return useInfiniteQuery({
    queryKey: ['refused', 'list', reason, summary?.open, summary?.newest?.dead_letter_id],
    queryFn: ({ signal, pageParam }) =>
      api.call<DeadLetterPage>('GET', '/dead-letters', {
        query: { order: 'newest', reason: reason ?? undefined, cursor: pageParam ?? undefined },
        signal,
      }),
    initialPageParam: null as string | null,
    getNextPageParam: ({ cursor }) => cursor,
    enabled: summary !== undefined,
    refetchInterval: nextLook,
    placeholderData: (before, query) => (query?.queryKey[2] === reason ? before : undefined),
    networkMode: 'always',
  });
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
