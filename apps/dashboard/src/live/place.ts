import { useCallback, useMemo } from 'react';
import { useSearchParams } from 'wouter';
import {
  ALERT_ORDERS,
  type AlertFilter,
  type AlertOrder,
  type AlertSearch,
  type ListOrder,
} from '@tocsin/contracts/wire';
import { SYSTEM_VIEWS, type SystemView } from '../system/system-rights';
import { filterOf, parseSearch } from '../search/search-syntax';

export const VIEWS = ['open', 'mine', 'snoozed', 'resolved', 'all'] as const;
export type View = (typeof VIEWS)[number];

/** The filter of each view, without the user's search. */
export const VIEW_FILTERS = {
  open: { status: ['firing', 'acknowledged'] },
  mine: { status: ['firing', 'acknowledged', 'snoozed'], assignee: ['me'] },
  snoozed: { status: ['snoozed'] },
  resolved: { status: ['resolved'] },
  all: {},
} satisfies Record<View, AlertFilter>;

export const GROUPINGS = ['none', 'service', 'name', 'tenant'] as const;
export type Grouping = (typeof GROUPINGS)[number];

/** What the page shows. All of it is in the address, so that every view is a link and Back works. */
export interface Place {
  view: View;
  /** The text of the search field. */
  q: string;
  order: AlertOrder;
  /** What the list is grouped by; with `none`, each alert has its own row. */
  group: Grouping;
  /** The tenants that the page is about, separated by commas; empty: all. */
  tenant: string;
  /** The alert whose details are open. */
  alert: string | null;
  /** What is shown of the system in place of the alerts; the address has it as its view. */
  system: SystemView | null;
  /** Whether the tiles of all tenants are shown in place of the list. */
  overview: 'tenants' | null;
}

/** A list of alerts, as a saved view keeps it. */
export type ListPlace = Omit<Place, 'alert' | 'system' | 'overview'>;

export type MoveTo = (change: Partial<Place>, how?: { replace?: boolean }) => void;

/** What the address leaves out to be short, by its key: `q=open` is a search, and `view=open` is where one begins. */
const DEFAULTS: Partial<Place> = { view: VIEWS[0], order: ALERT_ORDERS[0], group: GROUPINGS[0] };

const oneOf = <T extends string>(list: readonly T[], value: string | null): T =>
  list.find((one) => one === value) ?? list[0]!;

export function usePlace(): [Place, MoveTo] {
  const [params, setParams] = useSearchParams();
  const place = useMemo<Place>(
    () => ({
      ...placeOf(params.toString()),
      alert: params.get('alert'),
      system: SYSTEM_VIEWS.find((view) => view === params.get('view')) ?? null,
      overview: params.get('overview') === 'tenants' ? 'tenants' : null,
    }),
    [params],
  );
  const move = useCallback<MoveTo>(
    (change, { replace = false } = {}) => setParams((before) => moved(before, change), { replace }),
    [setParams],
  );
  return [place, move];
}

/** The address's query after a change of the place. */
export function moved(before: URLSearchParams, change: Partial<Place>): URLSearchParams {
  const next = new URLSearchParams(before);
  for (const [key, value] of Object.entries(change)) {
    const name = key === 'system' ? 'view' : key;
    if (!value || value === DEFAULTS[key as keyof Place]) next.delete(name);
    else next.set(name, value);
  }
  return next;
}

/** The address's query for a place, without the open alert: two links to the same list are equal as text. */
export function linkTo({ view, q, order, group, tenant }: ListPlace): string {
  const terms = {
    view: view === VIEWS[0] ? '' : view,
    q,
    order: order === ALERT_ORDERS[0] ? '' : order,
    group: group === GROUPINGS[0] ? '' : group,
    tenant,
  };
  const link = new URLSearchParams(Object.entries(terms).filter(([, value]) => value !== '')).toString();
  return link && `?${link}`;
}

/** The place that a link leads to. */
export function placeOf(link: string): ListPlace {
  const params = new URLSearchParams(link);
  return {
    view: oneOf(VIEWS, params.get('view')),
    q: params.get('q') ?? '',
    order: oneOf(ALERT_ORDERS, params.get('order')),
    group: oneOf(GROUPINGS, params.get('group')),
    tenant: params.get('tenant') ?? '',
  };
}

/**
 * The search that a place sends to the server. A status in the search text overrides the view's, and a tenant there the
 * tenants that the page is about; undefined: all.
 */
export function searchAt(
  { view, q, order }: Pick<Place, 'view' | 'q' | 'order'>,
  tenant: readonly string[] | undefined,
  now: number,
): AlertSearch {
  const chosen = tenant && { tenant: [...tenant] };
  const filter: AlertFilter = { ...VIEW_FILTERS[view], ...chosen, ...filterOf(parseSearch(q), now) };
  return { ...filter, order: orderOf(filter, order) };
}

/** Of resolved alerts, the newest are those that were resolved last. */
const orderOf = ({ status }: AlertFilter, order: AlertOrder): ListOrder =>
  order === 'newest' && status?.join() === 'resolved' ? 'resolved' : order;
