import type { QueueKind, ReceivedMessage } from '@tocsin/contracts/ports';
import { messageIdOf, type StreamEntry, type StreamFields } from './stream-queue';

/** The fields of an entry that have a meaning. Every other field is a header of the message. */
const FIELDS = ['body', 'routing_key', 'message_id', 'timestamp', 'content_type', 'content_encoding'] as const;
type Field = (typeof FIELDS)[number];

export type OutgoingMessage = Partial<Record<Exclude<Field, 'body'>, string | number | undefined>> & {
  body: Buffer;
  headers?: Readonly<Record<string, unknown>>;
};

/** The entry of a message. Headers that have no text, such as lists, are left out. */
export function fieldsOf({ headers = {}, ...message }: OutgoingMessage): StreamFields {
  const known = FIELDS.flatMap((name) => {
    const value = message[name];
    return value === undefined ? [] : [name, Buffer.isBuffer(value) ? value : String(value)];
  });
  const others = Object.entries(headers).filter(
    ([name, value]) => name !== 'body' && !isField(name) && ['string', 'number', 'boolean'].includes(typeof value),
  );
  return [...known, ...others.flatMap(([name, value]) => [name, String(value)])];
}

/** The message of an entry of a stream. Where the producer gave no id, it has the same one at each delivery. */
export function messageOf(kind: QueueKind, { id, fields, returns }: StreamEntry): ReceivedMessage {
  const said: Partial<Record<Exclude<Field, 'body'>, string>> = {};
  const headers: Record<string, string> = {};
  let body: Buffer = Buffer.alloc(0);
  for (let at = 0; at + 1 < fields.length; at += 2) {
    const [name, value] = [fields[at]!.toString(), fields[at + 1]!];
    if (name === 'body') body = value;
    else if (isField(name)) said[name] = value.toString();
    else headers[name] = value.toString();
  }
  const { timestamp, ...texts } = said;
  const seconds = Number(timestamp);
  return {
    body,
    message_id: messageIdOf(kind, id),
    ...texts,
    ...(timestamp !== undefined && Number.isFinite(seconds) && { timestamp: seconds }),
    headers,
    redelivered: returns > 0,
  };
}

const isField = (name: string): name is Exclude<Field, 'body'> =>
  name !== 'body' && (FIELDS as readonly string[]).includes(name);
