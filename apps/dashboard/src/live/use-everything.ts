import { useEffect, useRef, useState } from 'react';
import { useAlertsApi } from '@tocsin/react-client';
import type { Alert, AlertFacets, AlertSearch } from '@tocsin/contracts/wire';

/** What the API gives at once. */
const PAGE = 200;
/** More than this many are not one person's act. */
const MOST = 10_000;

export interface Everything {
  /** How many match, as far as the server counts; null: that is not known. */
  count: number | null;
  /** All of them, once they were asked for and until something else is searched for, or selected. */
  alerts: readonly Alert[] | null;
  loading: boolean;
  choose(): void;
}

/** All alerts that a search finds, those included that the list has not loaded. */
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
      const alerts: Alert[] = [];
      for (let after: string | null | undefined = undefined; after !== null && alerts.length < MOST;) {
        const page: Awaited<ReturnType<typeof api.list>> = await api.list(
          { ...search, limit: PAGE, ...(after && { after }) },
          mine.signal,
        );
        alerts.push(...page.alerts);
        after = page.next;
      }
      setFound({ search, selected, alerts });
    } catch {
      // what is selected stays selected, and the button is there for another try
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

/** A facet is counted without its own filter: of the states, those that are asked for make up the whole. */
function countOf({ status }: AlertSearch, facets: AlertFacets): number {
  return Object.entries(facets.status).reduce(
    (sum, [one, count]) => sum + (!status || (status as string[]).includes(one) ? count : 0),
    0,
  );
}
