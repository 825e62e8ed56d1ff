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

export const GROUPINGS = ['none', 'service', 'name'] as const;
export type Grouping = (typeof GROUPINGS)[number];

/** Where in the page somebody is. All of it stands in the address: a view is a link, and Back goes back. */
export interface Place {
  view: View;
  /** The text of the search field. */
  q: string;
  order: AlertOrder;
  /** By what the list is folded into lines; with none, each alert has its own. */
  group: Grouping;
  /** The alert whose details are open. */
  alert: string | null;
}

export type MoveTo = (change: Partial<Place>, how?: { replace?: boolean }) => void;

const oneOf = <T extends string>(list: readonly T[], value: string | null): T =>
  list.find((one) => one === value) ?? list[0]!;

export function usePlace(): [Place, MoveTo] {
  const [params, setParams] = useSearchParams();
  const place = useMemo<Place>(() => ({ ...placeOf(params.toString()), alert: params.get('alert') }), [params]);
  const move = useCallback<MoveTo>(
    (change, { replace = false } = {}) =>
      setParams(
        (before) => {
          const next = new URLSearchParams(before);
          for (const [name, value] of Object.entries(change)) {
            // what is the default anyhow would only make the address longer
            if (!value || value === VIEWS[0] || value === ALERT_ORDERS[0] || value === GROUPINGS[0]) next.delete(name);
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

/** The query of a place, without the alert that is open there: two links to the same list are the same text. */
export function linkTo({ view, q, order, group }: Omit<Place, 'alert'>): string {
  const terms = {
    view: view === VIEWS[0] ? '' : view,
    q,
    order: order === ALERT_ORDERS[0] ? '' : order,
    group: group === GROUPINGS[0] ? '' : group,
  };
  const link = new URLSearchParams(Object.entries(terms).filter(([, value]) => value !== '')).toString();
  return link && `?${link}`;
}

/** The place that a link leads to. */
export function placeOf(link: string): Omit<Place, 'alert'> {
  const params = new URLSearchParams(link);
  return {
    view: oneOf(VIEWS, params.get('view')),
    q: params.get('q') ?? '',
    order: oneOf(ALERT_ORDERS, params.get('order')),
    group: oneOf(GROUPINGS, params.get('group')),
  };
}

/** What the server is asked for at a place. A state that is searched for takes precedence over the view's. */
export function searchAt({ view, q, order }: Pick<Place, 'view' | 'q' | 'order'>, now: number): AlertSearch {
  return { ...VIEW_FILTERS[view], ...filterOf(parseSearch(q), now), order };
}
