import { useEffect, useRef, useState } from 'react';
import { useAlertsApi, type AlertsApi } from '@tocsin/react-client';
import type { Alert, AlertFacets, AlertSearch } from '@tocsin/contracts/wire';

/** The longest page of the API. */
const PAGE = 200;
/** One act covers at most this many alerts. */
const MOST = 10_000;

export interface Everything {
  /** How many alerts match, as far as the server counts; null: not known. */
  count: number | null;
  /** All matching alerts, after `choose`; null before, and when the search or the selection has changed since. */
  alerts: readonly Alert[] | null;
  loading: boolean;
  choose(): void;
}

/** All alerts that a search finds, up to as many as one act covers. Rejects as `AlertsApi.list` does. */
export async function allOf(api: AlertsApi, search: AlertSearch, signal?: AbortSignal): Promise<Alert[]> {
  const alerts: Alert[] = [];
  for (let after: string | null | undefined = undefined; after !== null && alerts.length < MOST;) {
    const page: Awaited<ReturnType<typeof api.list>> = await api.list(
      { ...search, limit: PAGE, ...(after && { after }) },
      signal,
    );
    alerts.push(...page.alerts);
    after = page.next;
  }
  return alerts;
}

/** All alerts that a search finds, including those that the list has not loaded. */
export function useEverything(
  search: AlertSearch,
  facets: AlertFacets | undefined,
  selected: ReadonlySet<string>,
): Everything {
  const api = useAlertsApi();
  const [found, setFound] = useState<{ search: AlertSearch; selected: ReadonlySet<string>; alerts: Alert[] } | null>(
    null,
  );
  const [loading, setLoading] = useState(false);
  const asking = useRef<AbortController | null>(null);
  useEffect(() => () => asking.current?.abort(), [search]);

  const choose = async () => {
    const mine = (asking.current = new AbortController());
    setLoading(true);
    try {
      setFound({ search, selected, alerts: await allOf(api, search, mine.signal) });
    } catch {
      // the selection stays as it is, and the user can press the button again
    } finally {
      setLoading(false);
    }
  };
  return {
    count: facets ? countOf(search, facets) : null,
    alerts: found?.search === search && found.selected === selected ? found.alerts : null,
    loading,
    choose: () => void choose(),
  };
}

/**
 * The number of matching alerts. A facet is counted without its own filter, so only the statuses of the search are
 * added up.
 */
function countOf({ status }: AlertSearch, facets: AlertFacets): number {
  return Object.entries(facets.status).reduce(
    (sum, [one, count]) => sum + (!status || (status as string[]).includes(one) ? count : 0),
    0,
  );
}
