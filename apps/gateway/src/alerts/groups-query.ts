import { IsDefined, IsIn, Matches } from 'class-validator';
import { ALERT_ORDERS, type AlertGroupSearch, type AlertOrder } from '@tocsin/contracts';
import type { AlertGroupsQuery } from '@tocsin/contracts/ports';
import { Described, MayBeAbsent } from '../request/field-rules';
import { DEFAULT_PAGE, lowerCase } from '../request/list-parameters';
import { ReadBy } from '../request/request-fields';
import { tenantsIn, type TenantChoice } from './alert-filter';
import { parseGroupPlace } from './group-cursor';
import { ListFields, rangeOf } from './list-fields';
import { digestOf } from './page-cursor';

const GROUPED_BY = /^(service|name|tenant|label\.[\s\S]{1,100})$/u;
const LABEL = 'label.';

/** The query of `GET /api/v1/alerts/groups`: what alerts are grouped by, and the filters of a list. */
export class GroupsQuery extends ListFields implements AlertGroupSearch {
  @Described('service, name, tenant, or label.<name of a label>.')
  @IsDefined()
  @Matches(GROUPED_BY, { message: 'service, name, tenant or label.<name of a label> is expected' })
  by!: string;
  @Described('Default: newest.')
  @ReadBy(lowerCase)
  @MayBeAbsent()
  @IsIn(ALERT_ORDERS)
  order?: AlertOrder;
}

/** A request for groups after parsing and validation. */
export interface AlertGroupsRequest {
  tenants: TenantChoice;
  query: AlertGroupsQuery;
  /** Identifies these groups, so that a cursor of others is recognised. */
  digest: string;
}

/** The groups as they are for `user`. Throws `Refused` (`invalid_cursor`). */
export function groupsOf(search: GroupsQuery, user: string): AlertGroupsRequest {
  const selection = rangeOf(search, user);
  const tenants = tenantsIn(search);
  const order = search.order ?? 'newest';
  const { by } = search;
  const digest = digestOf(['groups', by, tenants, selection, order]);
  return {
    tenants,
    query: {
      ...selection,
      by: by.startsWith(LABEL) ? { label: by.slice(LABEL.length) } : (by as 'service' | 'name' | 'tenant'),
      order,
      limit: search.limit ?? DEFAULT_PAGE,
      after: search.after ? parseGroupPlace(search.after, digest) : null,
    },
    digest,
  };
}
