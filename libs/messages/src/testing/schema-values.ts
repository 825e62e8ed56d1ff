import fc from 'fast-check';
import { isStorable } from '../decode-body';

/** The part of JSON Schema 2020-12 that values are generated from here. */
export interface ValueSchema {
  $ref?: string;
  type?: string | readonly string[];
  enum?: readonly unknown[];
  const?: unknown;
  format?: string;
  pattern?: string;
  minLength?: number;
  maxLength?: number;
  minimum?: number;
  maximum?: number;
  items?: ValueSchema;
  minItems?: number;
  maxItems?: number;
  properties?: Readonly<Record<string, ValueSchema>>;
  patternProperties?: Readonly<Record<string, ValueSchema>>;
  additionalProperties?: boolean | ValueSchema;
  required?: readonly string[];
  maxProperties?: number;
  anyOf?: readonly ValueSchema[];
}

/** Lists and maps stay short: a few values show what a schema forbids, and a long list is a case of its own. */
const FEW = 4;
const LATEST = new Date('2100-01-01T00:00:00Z');
/** Takes fast-check half a second, and every spec file loads this one: it is made at the first use. */
let webUrl: fc.Arbitrary<string> | undefined;
const FORMATS: Readonly<Record<string, () => fc.Arbitrary<string>>> = {
  'date-time': () => fc.date({ min: new Date(0), max: LATEST, noInvalidDate: true }).map((date) => date.toISOString()),
  date: () =>
    fc.date({ min: new Date(0), max: LATEST, noInvalidDate: true }).map((date) => date.toISOString().slice(0, 10)),
  uuid: () => fc.uuid(),
  uri: () => (webUrl ??= fc.webUrl()),
};

/**
 * Values that a schema describes, and values that it nearly describes. Conditions between fields (`if`,
 * `dependentRequired`) are ignored: a test that needs them checks the values with a validator.
 */
export class SchemaValues {
  /**
   * References point into `document`. `known`: values by field that mean something; they are chosen more often than
   * others.
   */
  constructor(
    private readonly document: unknown,
    private readonly known: Readonly<Record<string, readonly unknown[]>> = {},
  ) {}

  /** Values of a field or parameter of this name. */
  named(name: string, schema: ValueSchema): fc.Arbitrary<unknown> {
    const known = Object.hasOwn(this.known, name) ? this.known[name]! : [];
    if (known.length === 0) return this.fitting(schema);
    const one = fc.constantFrom(...known);
    const { minItems = 0 } = schema;
    return fc.oneof(
      {
        weight: 4,
        arbitrary:
          schema.type === 'array' ? fc.array(one, { minLength: minItems, maxLength: Math.max(minItems, FEW) }) : one,
      },
      { weight: 1, arbitrary: this.fitting(schema) },
    );
  }

  fitting(schema: ValueSchema): fc.Arbitrary<unknown> {
    if (schema.$ref) return this.fitting(this.resolve(schema.$ref));
    if (schema.const !== undefined) return fc.constant(schema.const);
    if (schema.enum) return fc.constantFrom(...schema.enum);
    if (schema.anyOf)
      return fc.oneof(
        ...schema.anyOf.map((one) => this.fitting({ ...(schema.type !== undefined && { type: schema.type }), ...one })),
      );
    const types = [schema.type ?? []].flat();
    return types.length === 0
      ? fc.jsonValue({ maxDepth: 2 })
      : fc.oneof(...types.map((type) => this.ofType(type, schema)));
  }

  /** Values in which one thing may be wrong: a type, a limit, a name, a field that is missing or unknown. */
  near(schema: ValueSchema): fc.Arbitrary<unknown> {
    if (schema.$ref) return this.near(this.resolve(schema.$ref));
    const other = fc.oneof(
      fc.constantFrom(null, true, -1, 0, 1e21, 0.5, '', ' ', '\u0000', '\ud800', '__proto__', [], {}, [[]]),
      fc.string({ unit: 'binary', maxLength: 40 }),
      fc.jsonValue({ maxDepth: 2 }),
    );
    if (schema.anyOf) return fc.oneof(other, ...schema.anyOf.map((one) => this.near(one)));
    const { properties } = schema;
    if (properties) return fc.oneof(other, this.nearObject(schema, properties));
    const limits = [
      ...(schema.maxLength === undefined ? [] : [fc.constant('x'.repeat(schema.maxLength + 1))]),
      ...(schema.minLength ? [fc.constant('x'.repeat(schema.minLength - 1))] : []),
      ...(schema.maximum === undefined ? [] : [fc.constant(schema.maximum + 1)]),
      ...(schema.minimum === undefined ? [] : [fc.constant(schema.minimum - 1)]),
      ...(schema.items === undefined ? [] : [fc.tuple(this.fitting(schema.items), this.near(schema.items))]),
      ...(schema.enum === undefined ? [] : [fc.constantFrom(...schema.enum).map((value) => `${String(value)}s`)]),
    ];
    return fc.oneof(other, ...limits);
  }

  private nearObject(schema: ValueSchema, properties: Readonly<Record<string, ValueSchema>>): fc.Arbitrary<unknown> {
    const names = Object.keys(properties);
    const whole = this.ofType('object', schema) as fc.Arbitrary<Record<string, unknown>>;
    if (names.length === 0) return whole;
    const name = fc.constantFrom(...names);
    return fc.oneof(
      fc
        .tuple(whole, name)
        .map(([value, without]) => Object.fromEntries(Object.entries(value).filter(([key]) => key !== without))),
      fc
        .tuple(
          whole,
          fc.oneof(
            fc.constantFrom('__proto__', 'constructor', 'x'),
            name.map((one) => `${one}s`),
          ),
          fc.jsonValue({ maxDepth: 1 }),
        )
        .map(([value, more, of]) => ({ ...value, [more]: of })),
      name.chain((one) =>
        fc.tuple(whole, this.near(properties[one]!)).map(([value, wrong]) => ({ ...value, [one]: wrong })),
      ),
    );
  }

  private ofType(type: string, schema: ValueSchema): fc.Arbitrary<unknown> {
    const { minimum = -1_000, maximum = 1_000_000, minItems = 0, maxItems = FEW } = schema;
    if (type === 'null') return fc.constant(null);
    if (type === 'boolean') return fc.boolean();
    if (type === 'integer')
      return fc.integer({ min: minimum, max: Math.max(minimum, Math.min(maximum, Number.MAX_SAFE_INTEGER)) });
    if (type === 'number') return fc.double({ min: minimum, max: maximum, noNaN: true });
    if (type === 'string') return textOf(schema);
    if (type === 'array')
      return fc.array(this.fitting(schema.items ?? {}), {
        minLength: minItems,
        maxLength: Math.max(minItems, Math.min(maxItems, FEW)),
      });
    const { properties, patternProperties, additionalProperties, required = [], maxProperties = Infinity } = schema;
    const free = patternProperties
      ? fc.oneof(
          ...Object.entries(patternProperties).map(([pattern, value]) =>
            this.map(textOf({ pattern, maxLength: 60 }), value),
          ),
        )
      : typeof additionalProperties === 'object'
        ? this.map(fc.string({ minLength: 1, maxLength: 20 }), additionalProperties)
        : fc.constant({});
    if (!properties)
      return additionalProperties === true || (!patternProperties && additionalProperties === undefined)
        ? fc.dictionary(fc.string({ minLength: 1, maxLength: 20 }), fc.jsonValue({ maxDepth: 2 }), {
            maxKeys: FEW,
            noNullPrototype: true,
          })
        : free;
    const fields = fc.record(
      Object.fromEntries(Object.entries(properties).map(([name, one]) => [name, this.named(name, one)])),
      { requiredKeys: [...required], noNullPrototype: true },
    );
    return fields.filter((value) => Object.keys(value).length <= maxProperties);
  }

  private map(keys: fc.Arbitrary<string>, values: ValueSchema): fc.Arbitrary<Record<string, unknown>> {
    return fc.dictionary(keys, this.fitting(values), { maxKeys: FEW, noNullPrototype: true });
  }

  private resolve(reference: string): ValueSchema {
    const path = reference
      .replace(/^#\//, '')
      .split('/')
      .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'));
    return path.reduce<unknown>((at, name) => (at as Record<string, unknown>)[name], this.document) as ValueSchema;
  }
}

function textOf({
  format,
  pattern,
  minLength = 0,
  maxLength = pattern ? Infinity : 60,
}: ValueSchema): fc.Arbitrary<string> {
  const made = format ? FORMATS[format]?.() : undefined;
  if (made) return made;
  const any = fc.string({ unit: 'grapheme', minLength, maxLength: Math.min(maxLength, Math.max(minLength, 60)) });
  const text = pattern ? matching(new RegExp(pattern, 'u'), any) : any;
  // a condition that no schema states: the text can be stored
  return text.filter((value) => value.length >= minLength && value.length <= maxLength && isStorable(value));
}

/**
 * fast-check cannot generate for Unicode properties and lookarounds. Those patterns match most text, so text is
 * filtered.
 */
const matching = (pattern: RegExp, any: fc.Arbitrary<string>): fc.Arbitrary<string> =>
  /\\p|\(\?[!<=]/i.test(pattern.source) ? any.filter((value) => pattern.test(value)) : fc.stringMatching(pattern);

/**
 * A value as query parameters: an object with one parameter per key, a list separated by commas (`explode: false`) or
 * as repeated parameters.
 */
export function queryOf(name: string, value: unknown, explode = true): string {
  const text = (one: unknown): string =>
    encodeURIComponent((typeof one === 'string' ? one : (JSON.stringify(one) ?? '')).toWellFormed());
  if (Array.isArray(value))
    return explode ? value.map((one) => `${name}=${text(one)}`).join('&') : `${name}=${value.map(text).join(',')}`;
  if (typeof value === 'object' && value !== null)
    return Object.entries(value)
      .map(([key, one]) => `${text(key)}=${text(one)}`)
      .join('&');
  return `${name}=${text(value)}`;
}
