import 'reflect-metadata';
import { getMetadataStorage } from 'class-validator';
import { MAX_ERRORS, pointerPart, Refused, type InputError } from '@tocsin/contracts';
import { didYouMean, isStorable } from '@tocsin/messages';
import { badParameter } from './entry-filter';

// A body or a query is described by a class whose fields carry class-validator's rules. This file converts what the
// client sent into an instance of it. class-transformer would silently leave out a field called `toString`, and would
// call the value of a field `constructor`; class-validator's own whitelist ignores `constructor` too. So the names are
// checked here.

export type RequestClass = new () => object;
export type Fields = Readonly<Record<string, unknown>>;

/** Computes a field's value from the parameters of a query; null or undefined when it was not given. */
export type ParameterReader = (query: URLSearchParams, name: string) => unknown;
interface ParameterNames {
  /** Other accepted names. The reader has to look at them. */
  aliases?: readonly string[];
  /** The field stands for every parameter whose name begins with this. */
  prefix?: string;
}

const READER = Symbol('reads a parameter');
const ITEMS = Symbol('class of the items of a list');
const NESTED = Symbol('class of an object');
const LENIENT = Symbol('unknown parameters are ignored');

/** Sets how a field is read from a query. Default: its only value, as text. */
export const ReadBy = (reader: ParameterReader, names: ParameterNames = {}): PropertyDecorator =>
  Reflect.metadata(READER, { reader, ...names });

/** The class of a list's items. Add `@ValidateNested({ each: true })` for the rules of their fields. */
export const Items = (type: RequestClass): PropertyDecorator => Reflect.metadata(ITEMS, type);

/** The class of a field that is an object. Add `@ValidateNested()` for the rules of its fields. */
export const NestedIn = (type: RequestClass): PropertyDecorator => Reflect.metadata(NESTED, type);

/**
 * Marks a query in which unknown parameters are ignored. In any other query they are refused: the client would believe
 * in a condition that is not applied.
 */
export const IgnoresUnknown = (): ClassDecorator => Reflect.metadata(LENIENT, true);

const known = new WeakMap<RequestClass, readonly string[]>();

/** The names of a class's fields: those that carry a rule. */
export function fieldsOf(type: RequestClass): readonly string[] {
  const found = known.get(type);
  if (found) return found;
  const rules = getMetadataStorage().getTargetValidationMetadatas(type, '', false, false);
  const names = [...new Set(rules.map(({ propertyName }) => propertyName))];
  known.set(type, names);
  return names;
}

export interface FieldParameter extends ParameterNames {
  field: string;
  reader: ParameterReader;
}

/** The parameters that the fields of a class are read from. */
export const parametersOf = (type: RequestClass): FieldParameter[] =>
  fieldsOf(type).map((field) => ({
    field,
    reader: onlyValue,
    ...(Reflect.getMetadata(READER, type.prototype as object, field) as Partial<FieldParameter> | undefined),
  }));

export const itemsOf = (type: RequestClass, field: string): RequestClass | undefined =>
  Reflect.getMetadata(ITEMS, type.prototype as object, field) as RequestClass | undefined;

export const nestedIn = (type: RequestClass, field: string): RequestClass | undefined =>
  Reflect.getMetadata(NESTED, type.prototype as object, field) as RequestClass | undefined;

/**
 * Converts a body into an instance of its class. Throws `Refused` (`unknown_field`) with a pointer to each field that
 * the class does not have.
 */
export function readFields(type: RequestClass, body: Fields): object {
  const errors = unknownIn(type, body, '');
  if (errors[0]) throw new Refused('unknown_field', errors[0].detail, { errors });
  return instanceOf(type, body);
}

function unknownIn(type: RequestClass, value: unknown, at: string): InputError[] {
  if (!isObject(value)) return [];
  const names = fieldsOf(type);
  const unknown = Object.keys(value).filter((name) => !names.includes(name));
  return [
    ...unknown.map((name, index): InputError => {
      // Comparing names takes time, and only the first errors are reported.
      const hint = index < MAX_ERRORS ? didYouMean(name, names) : '';
      const detail = `Unknown field.${hint} There are ${names.join(', ')}.`;
      return { pointer: `${at}/${pointerPart(name)}`, code: 'unknown_field', detail };
    }),
    ...names.flatMap((name) => {
      const nested = nestedIn(type, name);
      return nested && Object.hasOwn(value, name) ? unknownIn(nested, value[name], `${at}/${name}`) : [];
    }),
    ...names.flatMap((name) => {
      const items = itemsOf(type, name);
      const list = items && Object.hasOwn(value, name) ? value[name] : undefined;
      return Array.isArray(list)
        ? list.flatMap((item: unknown, index) => unknownIn(items!, item, `${at}/${name}/${index}`))
        : [];
    }),
  ];
}

function instanceOf(type: RequestClass, value: Fields): object {
  const instance = new type();
  for (const name of fieldsOf(type)) {
    if (!Object.hasOwn(value, name)) continue;
    Object.assign(instance, { [name]: readField(type, name, value[name]) });
  }
  return instance;
}

function readField(type: RequestClass, name: string, given: unknown): unknown {
  const items = itemsOf(type, name);
  if (items && Array.isArray(given))
    return given.map((item: unknown) => (isObject(item) ? instanceOf(items, item) : item));
  const nested = nestedIn(type, name);
  return nested && isObject(given) ? instanceOf(nested, given) : given;
}

const isObject = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/**
 * Converts a query into an instance of its class. Throws `Refused` (`invalid_parameter`) with the name of each
 * parameter that is unknown or unreadable.
 */
export function readQuery(type: RequestClass, query: URLSearchParams): object {
  const parameters = parametersOf(type);
  const names = parameters.flatMap(({ field, aliases = [], prefix }) => (prefix ? [] : [field, ...aliases]));
  const prefixes = parameters.flatMap(({ prefix }) => prefix ?? []);
  const shown = [...names, ...prefixes.map((prefix) => `${prefix}<key>`)];
  const isLenient = Reflect.getMetadata(LENIENT, type) === true;
  const errors: InputError[] = [];
  for (const [name, value] of query) {
    const isKnown = names.includes(name) || prefixes.some((prefix) => name.startsWith(prefix));
    if (!isKnown && isLenient) continue;
    if (!isStorable(name + value)) errors.push(errorOf(name, 'It holds control characters.'));
    else if (!isKnown) errors.push(errorOf(name, unknownParameter(errors.length < MAX_ERRORS ? name : '', shown)));
  }
  if (errors.length > 0) throw refusedParameters(errors);

  const instance = new type();
  for (const { field, reader } of parameters) {
    const value = reader(query, field);
    if (value !== undefined && value !== null) Object.assign(instance, { [field]: value });
  }
  return instance;
}

const unknownParameter = (name: string, shown: readonly string[]): string =>
  shown.length > 0
    ? `Unknown parameter.${name && didYouMean(name, shown)} There are ${shown.join(', ')}.`
    : 'Unknown parameter. There is none.';

const errorOf = (parameter: string, detail: string): InputError => ({
  parameter,
  code: 'invalid_parameter',
  detail,
});

/** The refusal of parameters: its code is that of the first error. */
export const refusedParameters = (errors: readonly InputError[]): Refused =>
  new Refused(errors[0]!.code, `${errors[0]!.parameter!} is not valid.`, { errors });

/**
 * A parameter's only value; undefined when it is absent, or empty as a form sends it. Throws `Refused` when there are
 * several.
 */
export function onlyValue(query: URLSearchParams, name: string): string | undefined {
  const values = query.getAll(name);
  if (values.length > 1) badParameter(name, 'It can be given once.');
  return values[0] || undefined;
}
