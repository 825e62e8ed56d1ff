import { isMessageField } from '../message-fields';
import { asService, isObject, isText, present, type JsonObject, type MessagePart, type MessageShape } from './message-part';

/**
 * CloudEvents 1.0, structured (JSON) or binary (attributes in the headers). `id` and `time` are the envelope's; of what
 * else the envelope and the data both say, the data wins. In `data` our own names are fields, and all else is metadata:
 * the words of a foreign domain (`state`, `level`, `source`) are not ours to understand.
 *
 * Attributes that are read: `id`, `source` (its last part is the service), `type` (the name), `time`, and the extensions
 * `tenantid`, `service`, `severity`, `status`, `dedupkey`.
 */
export function readCloudEvent(value: unknown, headers: Readonly<Record<string, unknown>> = {}): MessageShape | undefined {
  const attributes = attributesIn(headers);
  if (isEvent(attributes)) return shapeOf(attributes, value, '');
  if (!isObject(value) || !isEvent(value)) return undefined;
  const { data, data_base64, ...rest } = value;
  return shapeOf(present({ ...rest, data_base64 }), data, '/data');
}

const isEvent = ({ specversion, id, source, type }: JsonObject): boolean => isText(specversion) && /^1\.\d+$/.test(specversion) && isText(id) && isText(source) && isText(type);

/** `ce-` over HTTP; `cloudEvents:` or `cloudEvents_` over AMQP. */
const ATTRIBUTE = /^(?:ce[-_]|cloudevents[:_])([a-z0-9_]+)$/i;

function attributesIn(headers: Readonly<Record<string, unknown>>): JsonObject {
  const attributes: JsonObject = {};
  for (const [header, value] of Object.entries(headers)) {
    const [, name] = ATTRIBUTE.exec(header) ?? [];
    if (name && (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean')) attributes[name.toLowerCase()] = decoded(String(value));
  }
  return attributes;
}

/** Header values are percent-encoded UTF-8. */
function decoded(value: string): string {
  try {
    return decodeURIComponent(value);
  } catch {
    return value;
  }
}

function shapeOf(event: JsonObject, data: unknown, at: '' | '/data'): MessageShape {
  const { specversion: _, id, source, type, time, datacontenttype: _type, tenantid, service, severity, status, dedupkey, ...others } = event;
  const fields: JsonObject = {};
  const foreign: JsonObject = {};
  for (const [name, value] of isObject(data) ? Object.entries(data) : []) {
    const target = isMessageField(name) && !(name === 'id' || (name === 'occurred_at' && time)) ? fields : foreign;
    Object.defineProperty(target, name, { value, enumerable: true, configurable: true, writable: true });
  }
  if (isText(data)) fields.message = data;
  else if (!isObject(data) && data !== undefined && data !== null) foreign.data = data;
  const said = {
    tenant_id: tenantid, service: service ?? asService(String(source).replace(/[/#?]+$/, '').split(/[/#?:]/).at(-1)), severity, status, dedup_key: dedupkey, name: type,
  };
  const body = {
    ...present(said),
    ...present(fields),
    ...present({ id, occurred_at: time ?? fields.occurred_at }),
    metadata: { ...foreign, ...(isObject(fields.metadata) ? fields.metadata : present({ metadata: fields.metadata })), cloudevent: present({ source, type, ...others }) },
  };
  const attributes = { id: '/id', occurred_at: '/time', tenant_id: '/tenantid', service: '/source', severity: '/severity', status: '/status', dedup_key: '/dedupkey', name: '/type' };
  const inData = Object.fromEntries(Object.keys(present(fields)).map((name) => [name, `${at}/${name}`]));
  const part: MessagePart = { body, at: '', pointers: { ...attributes, ...inData } };
  return { name: 'cloudevent', webhook: false, count: 1, part: () => part, defaults: {} };
}
