import { IsBoolean, IsIn, IsString } from 'class-validator';
import { ALERT_ORDERS, type AlertOrder, type AlertSearch } from '@tocsin/contracts';
import { readInstant } from '@tocsin/messages';
import type { AlertListQuery } from '@tocsin/contracts/ports';
import { Described, IsInstant, IsLaterThan, MayBeAbsent } from '../request/field-rules';
import { DEFAULT_PAGE, IsPageSize, lowerCase, NEXT_OF } from '../request/list-parameters';
import { onlyValue, ReadBy, type ParameterReader } from '../request/request-fields';
import { AlertFilterFields, selectionOf, some } from './alert-filter';
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
export class AlertSearchFields extends AlertFilterFields implements AlertSearch {
  @Described('First seen at this time or later.')
  @MayBeAbsent()
  @IsInstant()
  from?: string;
  @Described('First seen before this time.')
  @MayBeAbsent()
  @IsInstant()
  @IsLaterThan('from')
  to?: string;
  @Described('Default: newest.')
  @ReadBy(lowerCase)
  @MayBeAbsent()
  @IsIn(ALERT_ORDERS)
  order?: AlertOrder;
  @IsPageSize() limit?: number;
  @Described(NEXT_OF)
  @MayBeAbsent()
  @IsString()
  after?: string;
  @Described('Whether to count by facet.')
  @ReadBy(flag)
  @MayBeAbsent()
  @IsBoolean()
  facets?: boolean;
}

/** A search after parsing and validation. */
export interface AlertSearchRequest {
  /** The tenants that the search names; null for all of the user's. */
  tenants: readonly string[] | null;
  query: AlertListQuery;
  facets: boolean;
  /** Identifies this search, so that a cursor of another search is recognised. */
  digest: string;
}

/** The search as it applies to `user`. Throws `Refused` (`invalid_cursor`). */
export function searchOf(search: AlertSearchFields, user: string): AlertSearchRequest {
  const selection = {
    ...selectionOf(search, user),
    from: search.from === undefined ? null : readInstant(search.from)!,
    to: search.to === undefined ? null : readInstant(search.to)!,
  };
  const tenants = some(search.tenant);
  const order = search.order ?? 'newest';
  const digest = digestOf([tenants, selection, order]);
  const after = search.after ? parsePlace(search.after, digest) : null;
  return {
    tenants,
    query: { ...selection, order, limit: search.limit ?? DEFAULT_PAGE, after },
    facets: search.facets ?? false,
    digest,
  };
}
