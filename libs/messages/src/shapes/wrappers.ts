import { decodeJson } from '../decode-body';
import { isObject, isText, type JsonObject } from './message-part';

/** A value without the wrappers around it, and where it stands in what was sent, as a JSON pointer. */
export interface Opened {
  value: unknown;
  at: string;
  /** As `decodeJson` says it. */
  escapes: boolean;
}

/** As often as senders wrap by mistake: a text within Nest's packet within a text. */
const MOST = 3;

/**
 * Takes off what a client library puts around a message: JSON text within JSON, and Nest's `{pattern, data}`
 * (`ClientProxy.emit`). Anything else stays as it is.
 */
export function opened(value: unknown, escapes: boolean): Opened {
  let unwrapped: Opened = { value, at: '', escapes };
  for (let wrappers = 0; wrappers < MOST; wrappers += 1) {
    const inner = innerOf(unwrapped);
    if (!inner) break;
    unwrapped = inner;
  }
  return unwrapped;
}

function innerOf({ value, at, escapes }: Opened): Opened | undefined {
  if (typeof value === 'string') {
    if (!HOLDS_JSON.test(value)) return undefined;
    const inner = decodeJson(Buffer.from(value), Number.MAX_SAFE_INTEGER);
    return inner.ok ? { value: inner.value, at, escapes: inner.escapes } : undefined;
  }
  return isNestPacket(value) && holdsMessages(value.data)
    ? { value: value.data, at: `${at}/data`, escapes }
    : undefined;
}

/** A text that may be JSON of a message, of a list, or of such a text. */
const HOLDS_JSON = /^\s*[{["]/;
const holdsMessages = (data: unknown): boolean =>
  (typeof data === 'object' && data !== null) || (typeof data === 'string' && HOLDS_JSON.test(data));

const PACKET_FIELDS: ReadonlySet<string> = new Set(['pattern', 'data', 'id']);

function isNestPacket(value: unknown): value is JsonObject {
  if (!isObject(value) || !('pattern' in value) || !('data' in value)) return false;
  return Object.keys(value).every((name) => PACKET_FIELDS.has(name));
}

type Marks = (value: JsonObject) => boolean;

const isTextIn = (value: JsonObject, ...names: string[]): boolean => names.every((name) => isText(value[name]));

/** What other systems wrap messages in, each by marks that are its own. They are not opened: what is within is not meant for us alone. */
const ENVELOPES: readonly (readonly [string, Marks])[] = [
  [
    'MassTransit',
    ({ messageType, message }) =>
      message !== undefined &&
      Array.isArray(messageType) &&
      messageType.some((type) => isText(type) && type.startsWith('urn:message:')),
  ],
  ['Celery', (value) => isTextIn(value, 'task', 'id') && Array.isArray(value.args) && isObject(value.kwargs)],
  ['Amazon SNS', (value) => isTextIn(value, 'Type', 'TopicArn', 'MessageId')],
  ['Amazon EventBridge', (value) => isTextIn(value, 'detail-type', 'source') && 'detail' in value],
  [
    'Amazon SQS or S3',
    ({ Records }) =>
      Array.isArray(Records) && Records.some((record) => isObject(record) && /^aws:/.test(String(record.eventSource))),
  ],
  [
    'Google Cloud Pub/Sub',
    ({ message, subscription }) =>
      isText(subscription) && isObject(message) && ('messageId' in message || 'message_id' in message),
  ],
  ['Azure Event Grid', (value) => isTextIn(value, 'eventType', 'eventTime', 'subject') && 'data' in value],
  [
    'Spring Integration',
    ({ payload, headers }) => payload !== undefined && isObject(headers) && 'id' in headers && 'timestamp' in headers,
  ],
  ['Kafka Connect or Debezium', ({ schema, payload }) => isObject(schema) && 'type' in schema && payload !== undefined],
  ['Laravel', (value) => isTextIn(value, 'job', 'displayName') && isObject(value.data)],
  ['Sidekiq', (value) => isTextIn(value, 'jid', 'class') && Array.isArray(value.args)],
  ['Active Job', (value) => isTextIn(value, 'job_class', 'job_id') && Array.isArray(value.arguments)],
  ['Nest', isNestPacket],
];

/** Celery's protocol 2: arguments, keyword arguments, and what is to happen with the result. */
const isCeleryTask = (value: readonly unknown[]): boolean =>
  value.length === 3 &&
  Array.isArray(value[0]) &&
  isObject(value[1]) &&
  isObject(value[2]) &&
  'callbacks' in value[2] &&
  'errbacks' in value[2];

/** Whose envelope it is; undefined when it has the marks of none. */
export function envelopeOf(value: unknown): string | undefined {
  if (Array.isArray(value)) return isCeleryTask(value) ? 'Celery' : undefined;
  return isObject(value) ? ENVELOPES.find(([, marks]) => marks(value))?.[0] : undefined;
}

const FIRST_BYTES: readonly (readonly [string, readonly number[]])[] = [
  ['Java serialization', [0xac, 0xed, 0x00, 0x05]],
  ['a Python pickle', [0x80]],
  ['gzip, and no content_encoding says so', [0x1f, 0x8b]],
  ['Zstandard', [0x28, 0xb5, 0x2f, 0xfd]],
  ['XML', [0x3c]],
];

/** What bytes that are no JSON look like, by how they begin; undefined when they look like nothing known. */
export function lookLike(bytes: Uint8Array): string | undefined {
  return FIRST_BYTES.find(([, first]) => first.every((byte, index) => bytes[index] === byte))?.[0];
}
