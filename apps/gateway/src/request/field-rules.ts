import 'reflect-metadata';
import { ValidateBy, ValidateIf, type ValidationOptions } from 'class-validator';
import { JSONSchema } from 'class-validator-jsonschema';
import { type ErrorCode } from '@tocsin/contracts';
import { LABEL_LIMITS, readInstant } from '@tocsin/messages';

/** What a rule adds to its error: `{ context: … }` among its options. */
export interface RuleContext {
  /** Default: `invalid_field`, and `invalid_parameter` in a query. */
  code?: ErrorCode;
  /** The place of the error below the field, as the end of a JSON pointer: in a list, which item. */
  at?: (value: unknown) => string;
}

/** The description of a field or of a body in the API document, in addition to what the rules express. */
export const Described = (
  description: string,
  more: Readonly<Record<string, unknown>> = {},
): PropertyDecorator & ClassDecorator => JSONSchema({ description, ...more }) as PropertyDecorator & ClassDecorator;

/** The field may be absent. Null does not count as absent: a null sent by mistake must not select everything. */
export const MayBeAbsent = (): PropertyDecorator => ValidateIf((_fields, value) => value !== undefined);

/** The field may be absent or null. Takes its description. */
export const MayBeNull = (description: string): PropertyDecorator => {
  const isGiven = ValidateIf((_fields, value) => value !== undefined && value !== null);
  const described = JSONSchema((schema) => ({ ...schema, type: [schema.type, 'null'], description }) as never);
  return (target, name) => {
    isGiven(target, name as string);
    described(target, name as string);
  };
};

/** A time in ISO 8601, or in epoch seconds or milliseconds as text. */
export const IsInstant = (options?: ValidationOptions): PropertyDecorator =>
  ValidateBy(
    {
      name: 'instant',
      validator: {
        validate: (value: unknown) => typeof value === 'string' && readInstant(value) !== undefined,
        defaultMessage: (told) => `${told?.property ?? ''} must be a time in ISO 8601`,
      },
    },
    options,
  );

/**
 * An instant in ISO 8601 with its offset. Without one a sender and this server could mean hours that are far apart,
 * which matters when something is to happen then.
 */
export const IsExactInstant = (options?: ValidationOptions): PropertyDecorator =>
  ValidateBy(
    {
      name: 'instant',
      validator: {
        validate: (value: unknown) =>
          typeof value === 'string' && /(z|[+-]\d\d:\d\d)$/i.test(value) && !Number.isNaN(Date.parse(value)),
      },
    },
    options,
  );

/** The field is later than another one, where both are times. */
export const IsLaterThan = (other: string): PropertyDecorator =>
  ValidateBy({
    name: 'isLaterThan',
    constraints: [other],
    validator: {
      validate: (value: unknown, told) => {
        const [from, to] = [(told?.object as Record<string, unknown>)[other], value].map(readInstant);
        return from === undefined || to === undefined || from < to;
      },
      defaultMessage: (told) => `${told?.property ?? ''} must be later than ${other}`,
    },
  });

/** At most one of these fields may be given. */
export const AtMostOneOf = (names: readonly string[]): PropertyDecorator =>
  ValidateBy({
    name: 'atMostOneOf',
    constraints: [names],
    validator: {
      validate: (_value: unknown, told) =>
        names.filter((name) => (told?.object as Record<string, unknown>)[name] !== undefined).length <= 1,
      defaultMessage: () => `Give at most one of ${names.join(', ')}`,
    },
  });

const COMPANION = Symbol('the value of another field that a field depends on');

/** That a field depends on a value of another field of the same class. */
export interface Companion {
  field: string;
  value: string;
  /** Whether the field must be there with that value. */
  needed: boolean;
  /** Whether the field is refused with any other value. */
  refused: boolean;
}
const has = (fields: unknown, { field, value }: Pick<Companion, 'field' | 'value'>): boolean =>
  (fields as Record<string, unknown>)[field] === value;

/** The field may be absent, except with this value of another field. */
export const NeededWith = (field: string, value: string): PropertyDecorator =>
  accompanies({ field, value, needed: true, refused: false });

/** The field belongs to one value of another field: it is refused with any other. Needed unless it is `optional`. */
export function GoesWith(field: string, value: string, { optional = false } = {}): PropertyDecorator {
  const companion = { field, value, needed: !optional, refused: true };
  const goesWith = ValidateBy(
    { name: 'goesWith', validator: { validate: (_value, told) => has(told?.object, companion) } },
    { message: `It goes with the ${field} ${value}.` },
  );
  const isLookedAt = accompanies(companion);
  return (target, name) => {
    goesWith(target, name);
    isLookedAt(target, name);
  };
}

function accompanies(companion: Companion): PropertyDecorator {
  const isLookedAt = ValidateIf((fields, value) => value !== undefined || (companion.needed && has(fields, companion)));
  return (target, name) => {
    isLookedAt(target, name as string);
    Reflect.defineMetadata(COMPANION, companion, target, name);
  };
}

export const companionOf = (type: new () => object, field: string): Companion | undefined =>
  Reflect.getMetadata(COMPANION, type.prototype as object, field) as Companion | undefined;

/** A text that is not blank, of at most `maxLength` characters. */
export const IsNote = (maxLength: number, message: string): PropertyDecorator =>
  ValidateBy(
    {
      name: 'isNote',
      constraints: [maxLength],
      validator: {
        validate: (value: unknown) => typeof value === 'string' && value.trim() !== '' && value.length <= maxLength,
      },
    },
    { message },
  );

/** A map of texts, within the limits of labels. */
export const AreLabels = (): PropertyDecorator =>
  ValidateBy({
    name: 'labels',
    validator: {
      validate: areLabels,
      defaultMessage: () =>
        `labels must be at most ${LABEL_LIMITS.count} texts by their keys, of up to ${LABEL_LIMITS.value} and ${LABEL_LIMITS.key} characters`,
    },
  });

function areLabels(value: unknown): boolean {
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
