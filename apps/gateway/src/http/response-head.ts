import { STATUS_CODES } from 'node:http';

/** A whole answer but for `Date` and CORS, which are the same for every answer and up to the one who sends it. */
export interface Answer {
  status: number;
  /** In the order in which they are sent. */
  fields: readonly (readonly [name: string, value: string])[];
  body: string;
}

const OK = 'HTTP/1.1 200 OK\r\n';
const OWN_FIELDS =
  'Content-Type: text/event-stream; charset=utf-8\r\nCache-Control: no-store, no-transform\r\nX-Accel-Buffering: no\r\nConnection: close\r\n';

let dateLine = '';
let dateUntil = 0;

/** The `Date` field, made once a second. */
function date(): string {
  const now = Date.now();
  if (now >= dateUntil) {
    dateLine = `Date: ${new Date(now).toUTCString()}\r\n`;
    dateUntil = now - (now % 1000) + 1000;
  }
  return dateLine;
}

/** The head of a stream, which has no length and is not in chunks: the connection's end is its end. `fields` are whole lines. */
export const streamHead = (fields: string): string => `${OK}${fields}${OWN_FIELDS}${date()}\r\n`;

/** A whole answer as bytes on the wire, in the order in which node:http sends one. */
export function answerText({ status, fields, body }: Answer, moreFields: string): string {
  const lines = fields.map(([name, value]) => `${name}: ${value}\r\n`).join('');
  return `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n${moreFields}${lines}${date()}\r\n${body}`;
}
