import { useQuery } from '@tanstack/react-query';
import { useAlertsApi } from '@tocsin/react-client';
import { useNow } from '../words/clock';
import { agoWords } from '../words/time-words';
import { useWords } from '../words/words';

/**
 * The age of the newest alert of these tenants (undefined: all) in words. Null: there never was one. Undefined: not
 * known, yet or because the request failed.
 */
export function useLastAlert(
  enabled: boolean,
  tenant: readonly string[] | undefined,
): { last: string | null | undefined; failed: boolean } {
  const api = useAlertsApi();
  const { intl } = useWords();
  const now = useNow();
  const { data, isError: failed } = useQuery({
    queryKey: ['numbers', 'last', tenant],
    enabled,
    queryFn: ({ signal }) =>
      api
        .list({ limit: 1, ...(tenant && { tenant: [...tenant] }) }, signal)
        .then(({ alerts }) => alerts[0]?.last_seen_at ?? null),
  });
  if (data === undefined || data === null) return { last: data, failed };
  return { last: agoWords(intl, Date.parse(data), Math.max(now, Date.parse(data))), failed };
}
