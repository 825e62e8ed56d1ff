import { decodeBody } from '../decode-body';
import { isMessageField } from '../message-fields';
import { objectIn } from './json-text';
import {
  asService,
  cut,
  digestOf,
  fittingKey,
  isObject,
  isText,
  present,
  type JsonObject,
  type MessagePart,
  type MessageShape,
} from './message-part';

/**
 * CloudEvents 1.0, structured (JSON) or binary (attributes in the headers). `source` and `id` together identify the
 * event, so they become its id here. `time` is the envelope's. For other fields the data takes precedence over the
 * envelope. In `data` Tocsin's own names are fields, and everything else is metadata: words of another domain (`state`,
 * `level`, `source`) are not interpreted.
 *
 * Attributes that are read: `id`, `source` (its last part is the service), `type` (the name), `time`, and the
 * extensions `tenantid`, `service`, `severity`, `status`, `dedupkey`.
 */
export function readCloudEvent(
  value: unknown,
  headers: Readonly<Record<string, unknown>> = {},
): MessageShape | undefined {
  const attributes = attributesIn(headers);
  if (isEvent(attributes)) return shapeOf(attributes, value, '');
  if (!isObject(value) || !isEvent(value)) return undefined;
  const { data, data_base64, ...rest } = value;
  if (data !== undefined || !isText(data_base64)) return shapeOf(present({ ...rest, data_base64 }), data, '/data');
  const decoded = dataIn(data_base64, rest.datacontenttype);
  return decoded === undefined
    ? shapeOf({ ...rest, data_base64 }, undefined, '/data')
    : shapeOf(rest, decoded, '/data_base64');
}

const REQUIRED = ['specversion', 'id', 'source', 'type'] as const;
const SUPPORTED = /^1\.\d+$/;
const isEvent = ({ specversion, id, source, type }: JsonObject): boolean =>
  isText(specversion) && SUPPORTED.test(specversion) && isText(id) && isText(source) && isText(type);

/** Why a value that was meant as a CloudEvent is not a valid one; undefined when it was not meant as one. */
export function faultsOfCloudEvent(
  value: unknown,
  headers: Readonly<Record<string, unknown>> = {},
): { pointer: string; detail: string }[] | undefined {
  const attributes = attributesIn(headers);
  const isBinary = REQUIRED.some((name) => isText(attributes[name]));
  const isStructured =
    isObject(value) && ('specversion' in value || /^application\/cloudevents/i.test(String(headers['content-type'])));
  if (!isBinary && !isStructured) return undefined;
  const event = isBinary ? attributes : (value as JsonObject);
  const where = isBinary ? 'in the headers' : 'in the body';
  const missing = REQUIRED.filter((name) => !isText(event[name])).map((name) => ({
    pointer: isBinary ? '' : `/${name}`,
    detail: `A CloudEvent needs the attribute ${name}, a text that is not empty, ${where}.`,
  }));
  if (isText(event.specversion) && !SUPPORTED.test(event.specversion))
    missing.push({
      pointer: isBinary ? '' : '/specversion',
      detail: 'CloudEvents 1.0 are understood, and no other version.',
    });
  return missing.length > 0 ? missing : undefined;
}

/**
 * Whether a body without bytes is meant as a CloudEvent in binary mode, which needs no data. Its value is undefined
 * then.
 */
export function isWithoutData(bytes: Uint8Array, headers: Readonly<Record<string, unknown>> = {}): boolean {
  if (bytes.byteLength > 0) return false;
  const attributes = attributesIn(headers);
  return REQUIRED.some((name) => isText(attributes[name]));
}

/** `ce-` over HTTP; `cloudEvents:` or `cloudEvents_` over AMQP. */
const ATTRIBUTE = /^(ce[-_]|cloudevents[:_])([a-z0-9_]+)$/i;
const CONTROL_CHARACTERS = /[\u0000-\u001f\u007f]/g; // eslint-disable-line no-control-regex

function attributesIn(headers: Readonly<Record<string, unknown>>): JsonObject {
  const attributes: JsonObject = {};
  for (const header in headers) {
    const [, prefix, name] = ATTRIBUTE.exec(header) ?? [];
    if (!prefix || !name) continue;
    const text = asText(headers[header]);
    if (text !== undefined)
      attributes[name.toLowerCase()] = (prefix.toLowerCase() === 'ce-' ? decoded(text) : text).replace(
        CONTROL_CHARACTERS,
        '\ufffd',
      );
  }
  return attributes;
}

/**
 * The headers that describe the message: sent again without them it would be another message. Undefined when there is
 * none.
 */
export function tellingHeaders(headers: Readonly<Record<string, unknown>> = {}): Record<string, unknown> | undefined {
  let telling: Record<string, unknown> | undefined;
  for (const name in headers) {
    const value = headers[name];
    if ((name === 'traceparent' || ATTRIBUTE.test(name)) && asText(value) !== undefined)
      (telling ??= {})[name] = typeof value === 'string' ? value.toWellFormed() : value;
  }
  return telling;
}

/** An attribute has the same text in every transport: as JSON, as a header, or as AMQP's own type for a time. */
function asText(value: unknown): string | undefined {
  if (isObject(value) && value['!'] === 'timestamp') return asText(value.value);
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean'
    ? String(value)
    : undefined;
}

/** In HTTP an attribute may be quoted, and is percent-encoded UTF-8. */
function decoded(value: string): string {
  const bare = /^"(.*)"$/.exec(value)?.[1]?.replace(/\\(.)/g, '$1') ?? value;
  try {
    return decodeURIComponent(bare);
  } catch {
    return bare;
  }
}

/** The content of `data_base64`, where its type says JSON or text; undefined for other types and invalid content. */
function dataIn(base64: string, contentType: unknown): unknown {
  const bytes = Buffer.from(base64, 'base64');
  const type = isText(contentType) ? contentType : 'application/json';
  if (/^(?:application|text)\/(?:[^;\s]+\+)?json\b/i.test(type)) {
    const body = decodeBody(bytes, Number.MAX_SAFE_INTEGER);
    return body.ok ? body.value : undefined;
  }
  if (!/^text\//i.test(type)) return undefined;
  const text = decodeBody(Buffer.from(JSON.stringify(bytes.toString('utf8'))), Number.MAX_SAFE_INTEGER);
  return text.ok ? text.value : undefined;
}

const LONGEST_ID = 200;
const LONGEST_NAME = 100;
/**
 * `source` and `id` as one id. A source that contains `#` becomes a digest, so that two different pairs never have the
 * same id.
 */
function identityOf(source: string, id: string): string {
  const whole = `${source}#${id}`;
  return whole.length <= LONGEST_ID && /^[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?$/.test(whole) && !source.includes('#')
    ? whole
    : digestOf(JSON.stringify([source, id]));
}

/** A type of any length as a valid name; undefined when no character of it is allowed in a name. */
function nameOf(type: string): string | undefined {
  if (type.length <= LONGEST_NAME && /^[A-Za-z0-9][A-Za-z0-9._:/-]*$/.test(type)) return type;
  const words = type
    .slice(0, 4 * LONGEST_NAME)
    .replace(/[^A-Za-z0-9._:/-]+/g, '_')
    .replace(/^[^A-Za-z0-9]+/, '');
  return words.slice(0, LONGEST_NAME).replace(/_+$/, '') || undefined;
}

/** The last part of a source that is not empty: `https://example.com/services/inventory` is `inventory`. */
const serviceOf = (source: string): string | undefined =>
  source
    .slice(-1_000)
    .split(/[/#?:]/)
    .filter(Boolean)
    .map(asService)
    .filter(Boolean)
    .at(-1);

/** Attributes as text. Brokers add some on the way, and some have types in JSON. */
const asTexts = (attributes: JsonObject): JsonObject =>
  Object.fromEntries(Object.entries(attributes).map(([name, value]) => [name, asText(value) ?? value]));

function shapeOf(event: JsonObject, given: unknown, at: '' | '/data' | '/data_base64'): MessageShape {
  const {
    specversion: _,
    id,
    source,
    type,
    time,
    datacontenttype: _type,
    tenantid,
    service,
    severity,
    status,
    dedupkey,
    ...others
  } = event as JsonObject & Record<'id' | 'source' | 'type', string>;
  const data = (isText(given) && objectIn(given)) || given;
  const fields: JsonObject = {};
  const foreign: JsonObject = {};
  for (const [name, value] of isObject(data) ? Object.entries(data) : []) {
    const target = isMessageField(name) && !(name === 'id' || (name === 'occurred_at' && time)) ? fields : foreign;
    Object.defineProperty(target, name, { value, enumerable: true, configurable: true, writable: true });
  }
  if (isText(data)) fields.message = data;
  else if (!isObject(data) && data !== undefined && data !== null) foreign.data = data;
  const name = nameOf(type);
  const key = fittingKey(asText(dedupkey));
  const said = {
    tenant_id: tenantid,
    service: service ?? serviceOf(source),
    severity,
    status,
    dedup_key: key,
    name,
    ...(name !== type && !isText(fields.name) && { title: cut(type.replace(/[\r\n\t]+/g, ' ').trim(), 300) }),
  };
  const body = {
    ...present(said),
    ...present(fields),
    ...present({ id: identityOf(source, id), occurred_at: asText(time) ?? time ?? fields.occurred_at }),
    metadata: {
      ...foreign,
      ...(isObject(fields.metadata) ? fields.metadata : present({ metadata: fields.metadata })),
      cloudevent: present({ id, source, type, ...(key !== asText(dedupkey) && { dedupkey }), ...asTexts(others) }),
    },
  };
  const attributes = {
    id: '/id',
    occurred_at: '/time',
    tenant_id: '/tenantid',
    service: service === undefined ? '/source' : '/service',
    severity: '/severity',
    status: '/status',
    dedup_key: '/dedupkey',
    name: '/type',
    title: '/type',
  };
  const inData = Object.fromEntries(Object.keys(present(fields)).map((field) => [field, `${at}/${field}`]));
  const part: MessagePart = { body, at: '', pointers: { ...attributes, ...inData } };
  return { name: 'cloudevent', webhook: false, count: 1, part: () => part, defaults: { service: 'cloudevents' } };
}
