import { headers as newHeaders, type Msg, type MsgHdrs } from '@nats-io/transport-node';
import type { QueueKind, ReceivedMessage } from '@tocsin/contracts/ports';
import { routingKeyOfTail, tailOfSubject } from './subjects';

/** The headers that have a meaning. Every other header is one of the message. */
const FIELDS = ['message_id', 'timestamp', 'content_type', 'content_encoding'] as const;
type Field = (typeof FIELDS)[number];
/** How often a message came back before it was given back: a copy of it starts to count anew. */
export const RETURNS_HEADER = 'tocsin_returns';
/** The server's own headers, which no message is told of. */
const SERVERS = /^Nats-/i;
const DEDUP_HEADER = 'Nats-Msg-Id';

export type SaidOfMessage = Partial<Record<Field, string | number | undefined>> & {
  headers?: Readonly<Record<string, unknown>>;
};

/** What the subject of an acknowledgement says of a delivery. */
export interface Place {
  /** The number of the message in its stream. */
  seq: number;
  /** When the server stored it, in nanoseconds. A stream that is made anew counts from 1 again, but not with this. */
  storedAt: string;
  /** How often it was delivered, this time included. */
  deliveries: number;
  /** How many messages waited for the consumer when this one was delivered. */
  waiting: number;
}

/** Headers for a message. What no header can hold, such as a list or a text of two lines, is left out. */
export function headersOf({ headers = {}, ...said }: SaidOfMessage): MsgHdrs {
  const written = newHeaders();
  for (const name of FIELDS) put(written, name, said[name]);
  for (const [name, value] of Object.entries(headers))
    if (!isField(name) && !SERVERS.test(name)) put(written, name, value);
  return written;
}

function put(headers: MsgHdrs, name: string, value: unknown): void {
  if (!['string', 'number', 'boolean'].includes(typeof value)) return;
  if (!/^[!-9;-~]+$/.test(name) || /[\r\n]/.test(String(value))) return;
  headers.set(name, String(value));
}

/** `$JS.ACK.[<domain>.<account>.]<stream>.<consumer>.<deliveries>.<seq>.<…>.<stored at>.<waiting>` */
export function placeOf({ reply = '' }: Msg): Place {
  const tokens = reply.split('.');
  const at = tokens.length === 9 ? 4 : 6;
  return {
    deliveries: Number(tokens[at]),
    seq: Number(tokens[at + 1]),
    storedAt: tokens[at + 3] ?? '',
    waiting: Number(tokens[at + 4]),
  };
}

/** How often the message came back; a copy that was given back brings the count of its original. */
export function returnsOf(raw: Msg, { deliveries }: Place): number {
  const before = Number(raw.headers?.get(RETURNS_HEADER) || 0);
  return (Number.isSafeInteger(before) && before > 0 ? before : 0) + Math.max(0, deliveries - 1);
}

/** The message of a delivery. Where the producer gave no id, it has the same one at each delivery and in each copy. */
export function messageOf(kind: QueueKind, raw: Msg, place: Place): ReceivedMessage {
  const said: Partial<Record<Field, string>> = {};
  const others: Record<string, string> = {};
  for (const [name, [value = '']] of raw.headers ?? []) {
    if (isField(name)) said[name] = value;
    else if (name !== RETURNS_HEADER && !SERVERS.test(name)) others[name] = value;
  }
  const { timestamp, ...texts } = said;
  const seconds = Number(timestamp);
  const routingKey = routingKeyOfTail(tailOfSubject(raw.subject));
  return {
    body: Buffer.from(raw.data.buffer, raw.data.byteOffset, raw.data.byteLength),
    ...(routingKey !== undefined && { routing_key: routingKey }),
    message_id: raw.headers?.get(DEDUP_HEADER) || `${kind}-${place.storedAt}-${place.seq}`,
    ...texts,
    ...(timestamp !== undefined && Number.isFinite(seconds) && { timestamp: seconds }),
    headers: others,
    redelivered: place.deliveries > 1 || (raw.headers?.has(RETURNS_HEADER) ?? false),
  };
}

const isField = (name: string): name is Field => (FIELDS as readonly string[]).includes(name);
