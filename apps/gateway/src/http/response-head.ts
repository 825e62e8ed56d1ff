import { STATUS_CODES } from 'node:http';

/**
 * A whole response without `Date` and CORS headers: those are the same for every response, and the sender adds them.
 */
export interface Answer {
  status: number;
  /** The headers, in the order in which they are sent. */
  fields: readonly (readonly [name: string, value: string])[];
  body: string;
}

const OK = 'HTTP/1.1 200 OK\r\n';
const OWN_FIELDS =
  'Content-Type: text/event-stream; charset=utf-8\r\nCache-Control: no-store, no-transform\r\nX-Accel-Buffering: no\r\nConnection: close\r\n';

let dateLine = '';
let dateUntil = 0;

/** The `Date` header, built once a second. */
function date(): string {
  const now = Date.now();
  if (now >= dateUntil) {
    dateLine = `Date: ${new Date(now).toUTCString()}\r\n`;
    dateUntil = now - (now % 1000) + 1000;
  }
  return dateLine;
}

/**
 * The response head of a stream. It announces no length and no chunked encoding: the stream ends with the connection.
 * `fields` are whole header lines.
 */
export const streamHead = (fields: string): string => `${OK}${fields}${OWN_FIELDS}${date()}\r\n`;

/** A whole response as it is sent on the wire, in node:http's order of headers. */
export function answerText({ status, fields, body }: Answer, moreFields: string): string {
  const lines = fields.map(([name, value]) => `${name}: ${value}\r\n`).join('');
  return `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n${moreFields}${lines}${date()}\r\n${body}`;
}
