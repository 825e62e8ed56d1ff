import { IsBoolean, IsIn } from 'class-validator';
import { ALERT_STATUSES, LIST_ORDERS, type AlertSearch, type AlertStatus, type ListOrder } from '@tocsin/contracts';
import type { AlertListQuery, AlertSelection } from '@tocsin/contracts/ports';
import { Described, MayBeAbsent } from '../request/field-rules';
import { DEFAULT_PAGE, lowerCase } from '../request/list-parameters';
import { onlyValue, ReadBy, type ParameterReader } from '../request/request-fields';
import { tenantsIn, type TenantChoice } from './alert-filter';
import { ListFields, rangeOf } from './list-fields';
import { digestOf, parsePlace } from './page-cursor';

/** The largest body of a search. A longer one comes from a program at fault. */
export const MAX_BODY_BYTES = 16 * 1024;

const flag: ParameterReader = (query, name) => {
  const text = onlyValue(query, name);
  return text === 'true' || text === 'false' ? text === 'true' : text;
};

/**
 * The body of `POST /api/v1/alerts/search`, and the query of `GET /api/v1/alerts`:
 * `?status=firing,snoozed&label.site=north…`. An empty list sets no condition.
 */
@Described('The search. An absent field sets no condition.')
export class AlertSearchFields extends ListFields implements AlertSearch {
  @Described('Default: newest. resolved: only resolved alerts, the last resolved first.')
  @ReadBy(lowerCase)
  @MayBeAbsent()
  @IsIn(LIST_ORDERS)
  order?: ListOrder;
  @Described('Whether to count by facet.')
  @ReadBy(flag)
  @MayBeAbsent()
  @IsBoolean()
  facets?: boolean;
}

/** A search after parsing and validation. */
export interface AlertSearchRequest {
  tenants: TenantChoice;
  query: AlertListQuery;
  facets: boolean;
  /** Identifies this search, so that a cursor of another search is recognised. */
  digest: string;
}

/** The search as it applies to `user`. Throws `Refused` (`invalid_cursor`). */
export function searchOf(search: AlertSearchFields, user: string): AlertSearchRequest {
  const range = rangeOf(search, user);
  // also the counts are then of resolved alerts only
  const selection = search.order === 'resolved' ? { ...range, status: resolvedOf(range.status) } : range;
  const tenants = tenantsIn(search);
  const order = search.order ?? 'newest';
  const digest = digestOf([tenants, selection, order]);
  const after = search.after ? parsePlace(search.after, digest, order) : null;
  return {
    tenants,
    query: { ...selection, order, limit: search.limit ?? DEFAULT_PAGE, after },
    facets: search.facets ?? false,
    digest,
  };
}

const resolvedOf = (status: AlertSelection['status']): readonly AlertStatus[] =>
  (status ?? ALERT_STATUSES).filter((one) => one === 'resolved');
