import { useCallback, useMemo } from 'react';
import { useSearchParams } from 'wouter';
import { ALERT_ORDERS, type AlertFilter, type AlertOrder, type AlertSearch } from '@tocsin/contracts/wire';
import { filterOf, parseSearch } from '../search/search-syntax';

export const VIEWS = ['open', 'mine', 'snoozed', 'resolved', 'all'] as const;
export type View = (typeof VIEWS)[number];

/** What each view asks for, before anything is searched. */
export const VIEW_FILTERS: Record<View, AlertFilter> = {
  open: { status: ['firing', 'acknowledged'] },
  mine: { status: ['firing', 'acknowledged', 'snoozed'], assignee: ['me'] },
  snoozed: { status: ['snoozed'] },
  resolved: { status: ['resolved'] },
  all: {},
};

/** Where in the page somebody is. All of it stands in the address: a view is a link, and Back goes back. */
export interface Place {
  view: View;
  /** The text of the search field. */
  q: string;
  order: AlertOrder;
  /** The alert whose details are open. */
  alert: string | null;
}

export type MoveTo = (change: Partial<Place>, how?: { replace?: boolean }) => void;

const oneOf = <T extends string>(list: readonly T[], value: string | null): T => list.find((one) => one === value) ?? list[0]!;

export function usePlace(): [Place, MoveTo] {
  const [params, setParams] = useSearchParams();
  const place = useMemo<Place>(
    () => ({ view: oneOf(VIEWS, params.get('view')), q: params.get('q') ?? '', order: oneOf(ALERT_ORDERS, params.get('order')), alert: params.get('alert') }),
    [params],
  );
  const move = useCallback<MoveTo>(
    (change, { replace = false } = {}) =>
      setParams(
        (before) => {
          const next = new URLSearchParams(before);
          for (const [name, value] of Object.entries(change)) {
            // what is the default anyhow would only make the address longer
            if (!value || value === VIEWS[0] || value === ALERT_ORDERS[0]) next.delete(name);
            else next.set(name, value);
          }
          return next;
        },
        { replace },
      ),
    [setParams],
  );
  return [place, move];
}

/** What the server is asked for at a place. A state that is searched for takes precedence over the view's. */
export function searchAt({ view, q, order }: Place, now: number): AlertSearch {
  return { ...VIEW_FILTERS[view], ...filterOf(parseSearch(q), now), order };
}
