/**
 * The part of JSON Schema 2020-12 that the documents of this gateway use. OpenAPI 3.1 and AsyncAPI 3.0 accept it
 * unchanged.
 */
export interface Schema {
  $ref?: string;
  title?: string;
  description?: string;
  type?: string | readonly string[];
  enum?: readonly unknown[];
  const?: unknown;
  format?: string;
  pattern?: string;
  minLength?: number;
  maxLength?: number;
  minimum?: number;
  maximum?: number;
  items?: Schema;
  minItems?: number;
  maxItems?: number;
  properties?: Readonly<Record<string, Schema>>;
  patternProperties?: Readonly<Record<string, Schema>>;
  propertyNames?: Schema;
  additionalProperties?: boolean | Schema;
  required?: readonly string[];
  dependentRequired?: Readonly<Record<string, readonly string[]>>;
  minProperties?: number;
  maxProperties?: number;
  anyOf?: readonly Schema[];
  oneOf?: readonly Schema[];
  allOf?: readonly Schema[];
  if?: Schema;
  then?: Schema;
  else?: Schema;
  not?: Schema;
  default?: unknown;
  examples?: readonly unknown[];
}

/** A field that may be absent. It wraps the schema, so that the compiler distinguishes it from a required field. */
export interface Optional {
  optional: Schema;
}
export const optional = (schema: Schema): Optional => ({ optional: schema });

/**
 * A schema for each field of `T`, wrapped when `T` may lack the field. The compiler reports missing and superfluous
 * fields.
 */
export type Fields<T> = { [Name in keyof T]-?: object extends Pick<T, Name> ? Optional : Schema };

/**
 * An object with the fields of `T`. It allows other fields too, because a client must accept those that a later version
 * adds.
 */
export function object<T>(fields: Fields<T>, more: Schema = {}): Schema {
  const entries = Object.entries<Schema | Optional>(fields);
  const isOptional = (field: Schema | Optional): field is Optional => 'optional' in field;
  const required = entries.filter(([, field]) => !isOptional(field)).map(([name]) => name);
  return {
    type: 'object',
    ...more,
    properties: Object.fromEntries(entries.map(([name, field]) => [name, isOptional(field) ? field.optional : field])),
    ...(required.length > 0 && { required }),
  };
}

/** The same for data that clients send: any other field is refused. */
export const strictObject = <T>(fields: Fields<T>, more: Schema = {}): Schema => ({
  ...object<T>(fields, more),
  additionalProperties: false,
});

export const text = (description?: string, more: Schema = {}): Schema => ({
  type: 'string',
  ...(description && { description }),
  ...more,
});
export const integer = (description?: string, more: Schema = {}): Schema => ({
  type: 'integer',
  ...(description && { description }),
  ...more,
});
export const number = (description?: string): Schema => ({ type: 'number', ...(description && { description }) });
export const count = (description?: string): Schema => integer(description, { minimum: 0 });
export const flag = (description?: string): Schema => ({ type: 'boolean', ...(description && { description }) });
export const time = (description?: string): Schema => text(description, { format: 'date-time' });
export const uuid = (description?: string): Schema => text(description, { format: 'uuid' });
export const oneOf = (values: readonly string[], description?: string): Schema => text(description, { enum: values });
export const list = (items: Schema, more: Schema = {}): Schema => ({ type: 'array', items, ...more });
/** A map from names to one kind of value. */
export const mapOf = (additionalProperties: Schema, description?: string): Schema => ({
  type: 'object',
  ...(description && { description }),
  additionalProperties,
});
export const anything = (description?: string): Schema => ({
  type: 'object',
  ...(description && { description }),
  additionalProperties: true,
});

/** The same schema, which also accepts null. */
export function nullable(schema: Schema): Schema {
  const { description, ...rest } = schema;
  if (typeof rest.type === 'string' && !rest.enum) return { ...schema, type: [rest.type, 'null'] };
  return { anyOf: [rest, { type: 'null' }], ...(description && { description }) };
}

/** A reference to one of the document's own schemas, by its name. */
export const ref = (name: string): Schema => ({ $ref: `#/components/schemas/${name}` });
