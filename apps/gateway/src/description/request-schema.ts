import { targetConstructorToSchema } from 'class-validator-jsonschema';
import { CHANNELS, SEVERITIES } from '@tocsin/contracts';
import { LABEL_LIMITS } from '@tocsin/messages';
import { fieldsOf, itemsOf, nestedIn, parametersOf, type RequestClass } from '../request/request-fields';
import { companionOf } from '../request/field-rules';
import type { Schema } from './json-schema';

const BY_CHANNEL = {
  type: 'object',
  properties: Object.fromEntries(
    CHANNELS.map((channel) => [channel, { type: 'array', items: { type: 'string' }, maxItems: 100 }]),
  ),
  additionalProperties: false,
};

/**
 * Schemas of this gateway's own validation rules, by rule name. A rule that compares fields adds nothing to the schema
 * of one field.
 */
const CONVERTERS = {
  instant: { type: 'string', format: 'date-time' },
  isLaterThan: {},
  atMostOneOf: {},
  once: {},
  goesWith: {},
  isSoon: { type: 'string', format: 'date-time' },
  isUserOrNobody: ({ constraints: [pattern] }: { constraints: [string] }) => ({ type: ['string', 'null'], pattern }),
  isCursor: { type: 'string' },
  endpoint: { type: 'string', format: 'uri' },
  publicKey: { type: 'string', pattern: '^[A-Za-z0-9_-]{87}$' },
  authSecret: { type: 'string', pattern: '^[A-Za-z0-9_-]{22}$' },
  webhookAddress: {},
  template: {},
  /** A rule that brings its schema along, as its first constraint. */
  described: ({ constraints: [schema] }: { constraints: [object] }) => schema,
  isNote: ({ constraints: [maxLength] }: { constraints: [number] }) => ({
    type: 'string',
    minLength: 1,
    maxLength,
    pattern: '\\S',
  }),
  words: ({ constraints: [maxLength, maxWords] }: { constraints: [number, number] }) => ({
    type: 'string',
    maxLength,
    pattern: `^\\s*(\\S+\\s*){0,${maxWords}}$`,
  }),
  labels: {
    type: 'object',
    maxProperties: LABEL_LIMITS.count,
    propertyNames: { minLength: 1, maxLength: LABEL_LIMITS.key },
    additionalProperties: { type: 'string', maxLength: LABEL_LIMITS.value },
  },
  nestedValidation: {},
  recipients: {
    type: 'object',
    properties: Object.fromEntries(SEVERITIES.map((severity) => [severity, BY_CHANNEL])),
    additionalProperties: false,
  },
};

/** The JSON Schema of a request's class, derived from the rules of its fields. Other fields are refused. */
export function schemaOf(type: RequestClass): Schema {
  const { properties = {}, ...rest } = targetConstructorToSchema(type, {
    additionalConverters: CONVERTERS as never,
  }) as Schema;
  const inOrder = fieldsOf(type).map((name): [string, Schema] => {
    const [items, nested] = [itemsOf(type, name), nestedIn(type, name)];
    const { description } = properties[name] ?? {};
    if (nested) return [name, { ...(description && { description }), ...schemaOf(nested) }];
    return [name, { ...properties[name], ...(items && { items: schemaOf(items) }) }];
  });
  const whole = { ...rest, properties: Object.fromEntries(inOrder), additionalProperties: false };
  const leading = fieldsOf(type).flatMap((name) => companionOf(type, name)?.field ?? [])[0];
  return leading === undefined ? whole : inVariants(type, leading, whole);
}

/**
 * The same as one variant for each set of fields that the values of the leading field allow. A condition (`if`) would
 * say it too, but programs that make a form or a client of a schema do not read conditions.
 */
function inVariants(type: RequestClass, leading: string, { description, ...whole }: Schema): Schema {
  const { properties = {}, required = [] } = whole;
  const variants = new Map<string, { values: unknown[]; names: string[]; needed: string[] }>();
  for (const value of properties[leading]!.enum!) {
    const isOf = (name: string) => companionOf(type, name)?.value === value;
    const names = Object.keys(properties).filter((name) => isOf(name) || !companionOf(type, name)?.refused);
    const needed = names.filter((name) =>
      companionOf(type, name) ? isOf(name) && companionOf(type, name)!.needed : required.includes(name),
    );
    const key = JSON.stringify([names, needed]);
    variants.set(key, { names, needed, values: [...(variants.get(key)?.values ?? []), value] });
  }
  const anyOf = Array.from(variants.values(), ({ values, names, needed }) => ({
    ...whole,
    properties: {
      ...Object.fromEntries(names.map((name) => [name, properties[name]!])),
      [leading]: { ...properties[leading], enum: values },
    },
    required: needed,
  }));
  return { anyOf, ...(description && { description }) };
}

/** `?label.<key>=<value>`: an object with one parameter for each of its properties. */
const asPrefixed = (prefix: string, { additionalProperties, maxProperties, propertyNames }: Schema): Schema => ({
  type: 'object',
  patternProperties: {
    [`^${prefix.replaceAll('.', '\\.')}.{1,${propertyNames!.maxLength!}}$`]: additionalProperties as Schema,
  },
  additionalProperties: false,
  maxProperties: maxProperties!,
  examples: [{ [`${prefix}site`]: 'north' }],
});

/**
 * A parameter of a query. `explode: false`: a list whose values are separated by commas. Default of `required`: false.
 */
export interface QueryParameterFacts {
  name: string;
  description: string;
  schema: Schema;
  required?: boolean;
  explode?: boolean;
}

/** The parameters of a query, derived from the rules of its class. A list is separated by commas. */
export function parametersIn(type: RequestClass): QueryParameterFacts[] {
  const { properties = {}, required = [] } = schemaOf(type);
  return parametersOf(type).map(({ field, prefix }) => {
    const { description = '', ...schema } = properties[field]!;
    return {
      name: field,
      description: prefix ? `${prefix}<key>=<value>. ${description}` : description,
      schema: prefix ? asPrefixed(prefix, schema) : schema,
      required: required.includes(field),
      ...(schema.type === 'array' && { explode: false }),
    };
  });
}
