import { IsArray, IsIn, IsInt, Max, Min, MinLength } from 'class-validator';
import { ALERT_TYPES, SEVERITIES, TENANT_ID_PATTERN, type AlertType, type Severity } from '@tocsin/contracts';
import { labelsIn, list } from './entry-filter';
import { AreLabels, Described, MayBeAbsent } from './field-rules';
import { onlyValue, ReadBy, type ParameterReader } from './request-fields';

// What all queries of lists share: readers for `@ReadBy`, and fields.

/** The most alerts or entries of one page, and the default. */
const MAX_PAGE = 200;
export const DEFAULT_PAGE = 50;

/** A list, separated by commas or as a repeated parameter, in lower case. */
export const lowerCaseList: ParameterReader = (query, name) => list(query, name)?.map((value) => value.toLowerCase());

/** One value, in lower case. */
export const lowerCase: ParameterReader = (query, name) => onlyValue(query, name)?.toLowerCase();

/** A whole number. Other text stays text, which every rule for numbers refuses. */
export const wholeNumber: ParameterReader = (query, name) => {
  const text = onlyValue(query, name);
  return text !== undefined && /^\d{1,9}$/.test(text) ? Number(text) : text;
};

const tenants: ParameterReader = (query) => {
  const asked = [...(list(query, 'tenant') ?? []), ...(list(query, 'tenant_id') ?? [])];
  return asked.length > 0 ? asked : undefined;
};
/** Reads `?tenant=a,b`; `tenant_id` is an alias. */
export const ReadTenants = (): PropertyDecorator => ReadBy(tenants, { aliases: ['tenant_id'] });

export const SOME_TENANTS = "Some of the user's tenants; default all.";

/**
 * A query that selects tenants. A tenant that is not the user's, or whose id is malformed, is refused later, when the
 * user's tenants are known.
 */
export class TenantsQuery {
  @Described(SOME_TENANTS, { items: { type: 'string', pattern: TENANT_ID_PATTERN.source } })
  @ReadTenants()
  @MayBeAbsent()
  @IsArray()
  tenant?: string[];
}

const known = (values: readonly string[]) => ({
  each: true,
  message: `One or more of ${values.join(', ')} are expected.`,
});

/** A query that selects entries of the log. The filters apply to the whole alert, before the entry or after it. */
export class EntriesQuery extends TenantsQuery {
  @Described('Entries whose alert has or had one of these.')
  @ReadBy(lowerCaseList)
  @MayBeAbsent()
  @IsIn(SEVERITIES, known(SEVERITIES))
  severity?: Severity[];
  @Described('Entries whose alert is or was of one of these types.')
  @ReadBy(lowerCaseList)
  @MayBeAbsent()
  @IsIn(ALERT_TYPES, known(ALERT_TYPES))
  type?: AlertType[];
  @Described('Of these services.') @ReadBy(list) @MayBeAbsent() @MinLength(1, { each: true }) service?: string[];
  @Described('Entries whose alert has or had one of these names.')
  @ReadBy(list)
  @MayBeAbsent()
  @MinLength(1, { each: true })
  name?: string[];
  @Described('Labels that the alert must have, all of them.')
  @ReadBy(labelsIn, { prefix: 'label.' })
  @MayBeAbsent()
  @AreLabels()
  labels?: Record<string, string>;
}

const PAGE_SIZE = { message: `1 to ${MAX_PAGE} can be asked for.` };

const PAGE_OF = Described('How many of one page.', { default: DEFAULT_PAGE });
export const NEXT_OF = 'The next of the page before.';

/** The page size. */
export const IsPageSize = (): PropertyDecorator => (target, name) => {
  // Decorators are applied from the last to the first.
  for (const rule of [
    Max(MAX_PAGE, PAGE_SIZE),
    Min(1, PAGE_SIZE),
    IsInt(PAGE_SIZE),
    MayBeAbsent(),
    ReadBy(wholeNumber),
    PAGE_OF,
  ])
    rule(target, name);
};
