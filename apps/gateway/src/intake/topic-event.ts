import { Refused, TOPIC_SERVICE, type InputError, type TenantId } from '@tocsin/contracts';
import { decodeJson, didYouMean, PRINTABLE_ASCII, publishedForm, readOwn, type AlertMessage } from '@tocsin/messages';
import { v7 as uuidv7 } from 'uuid';
import { refusalOf } from './read-events';

/** The answer to who has published it. */
export interface PublishedTopicEvent {
  topic: string;
  id: string;
  data: unknown;
}

/** The fields of the body. */
const FIELDS = ['data', 'id'];
/** An id is the `dedup_key` of its message too, which may have this many characters. */
const MAX_ID = 200;

/**
 * The message of an event that is published to a topic: `{"data": any}`, with the sender's own `id` if it may send the
 * event again. The message is one of a problem that is over: it is stored, numbered and streamed as any other, and it
 * neither rings nor stands among open alerts. Throws `Refused`.
 */
export function readTopicEvent(topic: TenantId, body: Buffer, maxBytes: number): AlertMessage {
  const decoded = decodeJson(body, maxBytes);
  if (!decoded.ok) throw refusalOf(decoded.code, [{ code: decoded.code, detail: decoded.detail }]);
  const { data, id } = fieldsOf(decoded.value);
  const parsed = readOwn(
    {
      tenant_id: topic,
      service: TOPIC_SERVICE,
      id,
      dedup_key: id,
      type: 'notification',
      severity: 'low',
      status: 'resolved',
      name: 'topic_event',
      metadata: { data },
    },
    {},
    // over HTTP a message with a dedup_key needs a time; this one has none, so that it is the same when it is sent
    // again
    'lenient',
    body,
    decoded.escapes,
  );
  if (!parsed.ok) throw refusalOf(parsed.code, parsed.errors.map(inTheBody));
  // a lenient parser would shorten texts until the message fits, and what was published is not ours to change
  const { length } = publishedForm(parsed.message);
  if (length <= maxBytes) return parsed.message;
  const detail = `The event has ${length} bytes as it is stored; at most ${maxBytes} are accepted.`;
  throw refusalOf('message_too_large', [{ code: 'message_too_large', detail }]);
}

function fieldsOf(value: unknown): { data: unknown; id: string } {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw refusalOf('invalid_json', [{ pointer: '', code: 'invalid_json', detail: 'The body must be a JSON object.' }]);
  const unknown = Object.keys(value).filter((name) => !FIELDS.includes(name));
  if (unknown.length > 0)
    throw refusalOf(
      'unknown_field',
      unknown.slice(0, 1).map((name) => ({
        pointer: `/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`,
        code: 'unknown_field',
        detail: `Unknown field.${didYouMean(name, FIELDS)}`,
      })),
    );
  if (!Object.hasOwn(value, 'data')) throw invalid('/data', 'This field is required.');
  const { data, id = uuidv7() } = value as { data: unknown; id?: unknown };
  if (typeof id !== 'string' || id.trim() === '' || id.length > MAX_ID || !PRINTABLE_ASCII.test(id))
    throw invalid('/id', `Must be 1 to ${MAX_ID} printable characters of ASCII.`);
  return { data, id };
}

const invalid = (pointer: string, detail: string): Refused =>
  refusalOf('invalid_field', [{ pointer, code: 'invalid_field', detail }]);

/** What is wrong lies within `data`, and all else is ours. */
const inTheBody = ({ pointer, ...error }: InputError): InputError => ({
  ...error,
  ...(pointer !== undefined && { pointer: pointer.replace(/^\/metadata/, '') }),
});
