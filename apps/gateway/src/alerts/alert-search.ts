import { ArrayMaxSize, IsArray, IsBoolean, IsIn, IsString, Length, Matches, ValidateBy } from 'class-validator';
import {
  ALERT_ORDERS,
  ALERT_STATUSES,
  ALERT_TYPES,
  SEVERITIES,
  TENANT_ID_PATTERN,
  type AlertOrder,
  type AlertSearch,
  type AlertStatus,
  type AlertType,
  type Severity,
} from '@tocsin/contracts';
import { readInstant } from '@tocsin/messages';
import type { AlertListQuery } from '@tocsin/contracts/ports';
import { MAX_TENANTS } from '../access/visible-tenants';
import { labelsIn, list } from '../request/entry-filter';
import { AreLabels, Described, IsInstant, IsLaterThan, MayBeAbsent } from '../request/field-rules';
import {
  DEFAULT_PAGE,
  IsPageSize,
  lowerCaseList,
  NEXT_OF,
  ReadTenants,
  SOME_TENANTS,
} from '../request/list-parameters';
import { onlyValue, ReadBy, type ParameterReader } from '../request/request-fields';
import { digestOf, parsePlace } from './page-cursor';

/** The largest body of a search. A longer one comes from a program at fault. */
export const MAX_BODY_BYTES = 16 * 1024;
const MAX_VALUES = 50;
const MAX_WORDS = 8;
const MAX_QUERY_LENGTH = 200;

const AreWords = (): PropertyDecorator =>
  ValidateBy({
    name: 'words',
    constraints: [MAX_QUERY_LENGTH, MAX_WORDS],
    validator: {
      validate: (value: unknown) =>
        typeof value === 'string' && value.length <= MAX_QUERY_LENGTH && wordsOf(value).length <= MAX_WORDS,
      defaultMessage: () => `q must be at most ${MAX_WORDS} words, ${MAX_QUERY_LENGTH} characters in all`,
    },
  });

const lowerCase: ParameterReader = (query, name) => onlyValue(query, name)?.toLowerCase();
const flag: ParameterReader = (query, name) => {
  const text = onlyValue(query, name);
  return text === 'true' || text === 'false' ? text === 'true' : text;
};

/**
 * The body of `POST /api/v1/alerts/search`, and the query of `GET /api/v1/alerts`:
 * `?status=firing,snoozed&label.site=north…`. An empty list sets no condition.
 */
@Described('The search. An absent field sets no condition.')
export class AlertSearchFields implements AlertSearch {
  @Described(SOME_TENANTS)
  @ReadTenants()
  @MayBeAbsent()
  @IsArray()
  @ArrayMaxSize(MAX_TENANTS)
  @Matches(TENANT_ID_PATTERN, { each: true, message: 'a tenant is 1 to 64 of A-Z a-z 0-9 . _ -' })
  tenant?: string[];
  @Described('With one of these.')
  @ReadBy(lowerCaseList)
  @MayBeAbsent()
  @IsArray()
  @ArrayMaxSize(MAX_VALUES)
  @IsIn(ALERT_STATUSES, { each: true })
  status?: AlertStatus[];
  @Described('With one of these.')
  @ReadBy(lowerCaseList)
  @MayBeAbsent()
  @IsArray()
  @ArrayMaxSize(MAX_VALUES)
  @IsIn(SEVERITIES, { each: true })
  severity?: Severity[];
  @Described('Of these services.')
  @ReadBy(list)
  @MayBeAbsent()
  @IsArray()
  @ArrayMaxSize(MAX_VALUES)
  @Length(1, 64, { each: true })
  service?: string[];
  @Described('Of these types.')
  @ReadBy(lowerCaseList)
  @MayBeAbsent()
  @IsArray()
  @ArrayMaxSize(MAX_VALUES)
  @IsIn(ALERT_TYPES, { each: true })
  type?: AlertType[];
  @Described('With one of these names.')
  @ReadBy(list)
  @MayBeAbsent()
  @IsArray()
  @ArrayMaxSize(MAX_VALUES)
  @Length(1, 100, { each: true })
  name?: string[];
  @Described('Assigned to one of these users; none: not assigned, me: to the caller.')
  @ReadBy(list)
  @MayBeAbsent()
  @IsArray()
  @ArrayMaxSize(MAX_VALUES)
  @Length(1, 255, { each: true })
  assignee?: string[];
  @Described('Labels that the alert must have, all of them.')
  @ReadBy(labelsIn, { prefix: 'label.' })
  @MayBeAbsent()
  @AreLabels()
  labels?: Record<string, string>;
  @Described('First seen at this time or later.')
  @MayBeAbsent()
  @IsInstant()
  from?: string;
  @Described('First seen before this time.')
  @MayBeAbsent()
  @IsInstant()
  @IsLaterThan('from')
  to?: string;
  @Described('Words that the title, message or name must contain, all of them, in upper or lower case.')
  @MayBeAbsent()
  @AreWords()
  q?: string;
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
  const assignee =
    some(search.assignee?.map((name) => (name === 'me' ? user : name)))?.map((name) =>
      name === 'none' ? null : name,
    ) ?? null;
  const selection = {
    status: some(search.status),
    severity: some(search.severity),
    service: some(search.service),
    type: some(search.type),
    name: some(search.name),
    assignee,
    labels: search.labels ?? {},
    from: search.from === undefined ? null : readInstant(search.from)!,
    to: search.to === undefined ? null : readInstant(search.to)!,
    words: wordsOf(search.q ?? ''),
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

const some = <T>(values: T[] | undefined): T[] | null =>
  values && values.length > 0 ? [...new Set(values)].sort() : null;
const wordsOf = (text: string): string[] => [...new Set(text.split(/\s+/).filter(Boolean))];
