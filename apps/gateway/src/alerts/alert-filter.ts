import { ArrayMaxSize, IsArray, IsIn, Length, Matches, ValidateBy } from 'class-validator';
import {
  ALERT_STATUSES,
  ALERT_TYPES,
  SEVERITIES,
  searchWords,
  TENANT_ID_PATTERN,
  type AlertFilter,
  type AlertStatus,
  type AlertType,
  type Severity,
} from '@tocsin/contracts';
import type { AlertSelection } from '@tocsin/contracts/ports';
import { MAX_TENANTS } from '../access/visible-tenants';
import { labelsIn, list } from '../request/entry-filter';
import { AreLabels, Described, MayBeAbsent } from '../request/field-rules';
import { lowerCaseList, ReadTenants, SOME_TENANTS } from '../request/list-parameters';
import { ReadBy } from '../request/request-fields';

const MAX_VALUES = 50;
const MAX_WORDS = 8;
const MAX_QUERY_LENGTH = 200;
/** What an alert may lack. */
const MAY_LACK = /^(name|label\.[^\s,]{1,100})$/u;

const AreWords = (): PropertyDecorator =>
  ValidateBy({
    name: 'words',
    constraints: [MAX_QUERY_LENGTH, MAX_WORDS],
    validator: {
      validate: (value: unknown) =>
        typeof value === 'string' && value.length <= MAX_QUERY_LENGTH && searchWords(value).length <= MAX_WORDS,
      defaultMessage: () => `q must be at most ${MAX_WORDS} words, ${MAX_QUERY_LENGTH} characters in all`,
    },
  });

/**
 * Which alerts a request is about, the same for lists, groups and counts. An empty list sets no condition. When the
 * alerts were first seen is not among it: a list and a chart mean different things by it.
 */
export class AlertFilterFields implements AlertFilter {
  @Described(SOME_TENANTS)
  @ReadTenants()
  @MayBeAbsent()
  @IsArray()
  @ArrayMaxSize(MAX_TENANTS)
  @Matches(TENANT_ID_PATTERN, { each: true, message: 'a tenant is 1 to 64 of A-Z a-z 0-9 . _ -' })
  tenant?: string[];
  @Described("In none of these tenants; one that is not the user's excludes nothing.")
  @ReadBy(list)
  @MayBeAbsent()
  @IsArray()
  @ArrayMaxSize(MAX_VALUES)
  @Matches(TENANT_ID_PATTERN, { each: true, message: 'a tenant is 1 to 64 of A-Z a-z 0-9 . _ -' })
  not_tenant?: string[];
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
  @Described('Of none of these services.')
  @ReadBy(list)
  @MayBeAbsent()
  @IsArray()
  @ArrayMaxSize(MAX_VALUES)
  @Length(1, 64, { each: true })
  not_service?: string[];
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
  @Described('What the alerts do not have: name, or label.<name of a label>.')
  @ReadBy(list)
  @MayBeAbsent()
  @IsArray()
  @ArrayMaxSize(MAX_VALUES)
  @Matches(MAY_LACK, { each: true, message: 'name or label.<name of a label> is expected' })
  without?: string[];
  @Described('Words that title, message or name must contain, all of them, in any case; in double quotes: a phrase.')
  @MayBeAbsent()
  @AreWords()
  q?: string;
}

/**
 * The filter as it applies to `user`, at any time. An alert cannot both lack a thing and have it: that selects none.
 */
export function selectionOf(filter: AlertFilterFields, user: string): AlertSelection {
  const { labels = {}, without = [] } = filter;
  const assignee =
    some(filter.assignee?.map((name) => (name === 'me' ? user : name)))?.map((name) =>
      name === 'none' ? null : name,
    ) ?? null;
  const lacks = without.filter((field) => field !== 'name').map((field) => field.slice('label.'.length));
  const name = some(filter.name);
  const impossible = lacks.some((key) => Object.hasOwn(labels, key)) || (without.includes('name') && name !== null);
  return {
    // a bounded search looks at the open ones first
    status: some(filter.status) && ALERT_STATUSES.filter((status) => filter.status!.includes(status)),
    severity: some(filter.severity),
    service: some(filter.service),
    notService: some(filter.not_service) ?? [],
    type: some(filter.type),
    name: impossible ? [] : without.includes('name') ? [null] : name,
    assignee,
    labels: { ...labels, ...Object.fromEntries(lacks.map((key) => [key, null])) },
    from: null,
    to: null,
    words: searchWords(filter.q ?? ''),
  };
}

/** The tenants that a request names, and those that it excludes. */
export interface TenantChoice {
  /** Null: all of the user's. */
  named: readonly string[] | null;
  excluded: readonly string[];
}
export const tenantsIn = ({ tenant, not_tenant }: AlertFilterFields): TenantChoice => ({
  named: some(tenant),
  excluded: some(not_tenant) ?? [],
});

export const some = <T>(values: T[] | undefined): T[] | null =>
  values && values.length > 0 ? [...new Set(values)].sort() : null;
