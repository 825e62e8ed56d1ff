import {
  ArrayMaxSize,
  IsArray,
  IsBoolean,
  IsIn,
  IsInt,
  IsString,
  Length,
  Matches,
  Max,
  Min,
  Validate,
  ValidateIf,
  validateSync,
  ValidatorConstraint,
  type ValidationError,
  type ValidatorConstraintInterface,
} from 'class-validator';
import {
  ALERT_ORDERS,
  ALERT_STATUSES,
  ALERT_TYPES,
  Refused,
  SEVERITIES,
  TENANT_ID_PATTERN,
  type AlertOrder,
  type AlertSearch,
  type AlertStatus,
  type AlertType,
  type InputError,
  type Severity,
} from '@tocsin/contracts';
import { LABEL_LIMITS, readInstant } from '@tocsin/messages';
import type { AlertListQuery } from '@tocsin/contracts/ports';
import { MAX_TENANTS } from '../access/visible-tenants';
import { readJsonObject } from '../request/json-object';
import { labelsIn, list } from '../request/entry-filter';
import { DEFAULT_PAGE, MAX_PAGE, readParameters, single } from '../request/list-parameters';
import { digestOf, parsePlace } from './page-cursor';

/** What a search may be: more is a program that does not know what it looks for. */
const MAX_BODY_BYTES = 16 * 1024;
const MAX_VALUES = 50;
export const MAX_WORDS = 8;
export const MAX_QUERY_LENGTH = 200;

/** Null is not absence: whoever sends it by mistake must not be shown what was not asked for. */
const given = (name: keyof AlertSearch) => ValidateIf((search: AlertSearchBody) => search[name] !== undefined);

@ValidatorConstraint({ name: 'labels' })
class AreLabels implements ValidatorConstraintInterface {
  validate(value: unknown): boolean {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
    const labels = Object.entries(value);
    return (
      labels.length <= LABEL_LIMITS.count &&
      labels.every(
        ([key, label]) =>
          key.length >= 1 &&
          key.length <= LABEL_LIMITS.key &&
          typeof label === 'string' &&
          label.length <= LABEL_LIMITS.value,
      )
    );
  }
  defaultMessage = () =>
    `labels must be at most ${LABEL_LIMITS.count} texts by their keys, of up to ${LABEL_LIMITS.value} and ${LABEL_LIMITS.key} characters`;
}

@ValidatorConstraint({ name: 'instant' })
class IsInstant implements ValidatorConstraintInterface {
  validate = (value: unknown): boolean => typeof value === 'string' && readInstant(value) !== undefined;
  defaultMessage = () => '$property must be a time in ISO 8601';
}

@ValidatorConstraint({ name: 'words' })
class AreWords implements ValidatorConstraintInterface {
  validate = (value: unknown): boolean =>
    typeof value === 'string' && value.length <= MAX_QUERY_LENGTH && wordsOf(value).length <= MAX_WORDS;
  defaultMessage = () => `q must be at most ${MAX_WORDS} words, ${MAX_QUERY_LENGTH} characters in all`;
}

/** The body of `POST /api/v1/alerts/search`, and what the query of `GET /api/v1/alerts` is read into. An empty list asks for nothing. */
export class AlertSearchBody implements AlertSearch {
  @given('tenant')
  @IsArray()
  @ArrayMaxSize(MAX_TENANTS)
  @Matches(TENANT_ID_PATTERN, { each: true, message: 'a tenant is 1 to 64 of A-Z a-z 0-9 . _ -' })
  tenant?: string[];
  @given('status') @IsArray() @ArrayMaxSize(MAX_VALUES) @IsIn(ALERT_STATUSES, { each: true }) status?: AlertStatus[];
  @given('severity') @IsArray() @ArrayMaxSize(MAX_VALUES) @IsIn(SEVERITIES, { each: true }) severity?: Severity[];
  @given('service') @IsArray() @ArrayMaxSize(MAX_VALUES) @Length(1, 64, { each: true }) service?: string[];
  @given('type') @IsArray() @ArrayMaxSize(MAX_VALUES) @IsIn(ALERT_TYPES, { each: true }) type?: AlertType[];
  @given('name') @IsArray() @ArrayMaxSize(MAX_VALUES) @Length(1, 100, { each: true }) name?: string[];
  @given('assignee') @IsArray() @ArrayMaxSize(MAX_VALUES) @Length(1, 255, { each: true }) assignee?: string[];
  @given('labels') @Validate(AreLabels) labels?: Record<string, string>;
  @given('from') @Validate(IsInstant) from?: string;
  @given('to') @Validate(IsInstant) to?: string;
  @given('q') @Validate(AreWords) q?: string;
  @given('order') @IsIn(ALERT_ORDERS) order?: AlertOrder;
  @given('limit') @IsInt() @Min(1) @Max(MAX_PAGE) limit?: number;
  @given('after') @IsString() after?: string;
  @given('facets') @IsBoolean() facets?: boolean;
}

const FIELDS = [
  'tenant',
  'status',
  'severity',
  'service',
  'type',
  'name',
  'assignee',
  'labels',
  'from',
  'to',
  'q',
  'order',
  'limit',
  'after',
  'facets',
] as const satisfies readonly (keyof AlertSearch)[];
const PARAMETERS = FIELDS.filter((name) => name !== 'labels');
const LISTS = ['tenant', 'status', 'severity', 'service', 'type', 'name', 'assignee'] as const;
const IN_LOWER_CASE: readonly string[] = ['status', 'severity', 'type', 'order'];

/** A search, read and checked. */
export interface AlertSearchRequest {
  /** Those asked for; null for all of the user's. */
  tenants: readonly string[] | null;
  query: AlertListQuery;
  facets: boolean;
  /** Tells this question from others, for the cursors of its pages. */
  digest: string;
}

/** `?status=firing,snoozed&label.site=north…`. `tenant_id` is `tenant`. Throws `Refused` (`invalid_parameter`, `invalid_cursor`). */
export function readSearchParameters(url: string | undefined, user: string): AlertSearchRequest {
  const query = readParameters(url, [...PARAMETERS, 'tenant_id'], { labels: true });
  for (const tenant of query.getAll('tenant_id')) query.append('tenant', tenant);
  const fields: Record<string, unknown> = { labels: labelsIn(query) ?? undefined };
  for (const name of PARAMETERS) {
    if (LISTS.some((one) => one === name))
      fields[name] = list(query, name)?.map((value) => (IN_LOWER_CASE.includes(name) ? value.toLowerCase() : value));
    else fields[name] = single(query, name);
  }
  if (typeof fields.order === 'string') fields.order = fields.order.toLowerCase();
  if (typeof fields.limit === 'string')
    fields.limit = /^\d{1,9}$/.test(fields.limit) ? Number(fields.limit) : fields.limit;
  if (fields.facets === 'true' || fields.facets === 'false') fields.facets = fields.facets === 'true';
  return readFields(fields, user, (parameter, detail) => ({ parameter, code: 'invalid_parameter', detail }));
}

/** No body at all asks for everything. Throws `Refused`, with a pointer to what is wrong. */
export const readSearchBody = (body: Buffer, user: string): AlertSearchRequest =>
  readFields(readJsonObject(body, FIELDS, MAX_BODY_BYTES), user, (name, detail) => ({
    pointer: `/${name}`,
    code: 'invalid_field',
    detail,
  }));

function readFields(
  fields: object,
  user: string,
  errorAt: (name: string, detail: string) => InputError,
): AlertSearchRequest {
  const search = Object.assign(new AlertSearchBody(), fields);
  const errors = validateSync(search, { forbidUnknownValues: true }).map((error) =>
    errorAt(error.property, `${detailOf(error)}.`),
  );
  const from = search.from === undefined ? null : (readInstant(search.from) ?? null);
  const to = search.to === undefined ? null : (readInstant(search.to) ?? null);
  if (from && to && from >= to) errors.push(errorAt('to', 'to must be later than from.'));
  if (errors[0]) throw new Refused(errors[0].code, errors[0].detail, { errors });

  const some = <T>(values: T[] | undefined): T[] | null =>
    values && values.length > 0 ? [...new Set(values)].sort() : null;
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
    from,
    to,
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

const wordsOf = (text: string): string[] => [...new Set(text.split(/\s+/).filter(Boolean))];
const detailOf = ({ constraints }: ValidationError): string => Object.values(constraints ?? {})[0] ?? 'is not valid';
