import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** How the stand-in answers a message that is correct. */
export type Answering = (request: IncomingMessage, response: ServerResponse) => void;

/** A message that arrived with the right credentials and in the right form. */
export type Accepted = Readonly<Record<string, string>>;

const KNOWN_FIELDS = new Set([
  'To',
  'From',
  'MessagingServiceSid',
  'Body',
  'ContentSid',
  'ContentVariables',
  'SmartEncoded',
  'ValidityPeriod',
  'StatusCallback',
]);

/** Answers as Twilio does: an error with its code. */
export const twilioError =
  (status: number, code: number, message: string, headers: Record<string, string> = {}): Answering =>
  (_request, response) =>
    void response
      .writeHead(status, { 'Content-Type': 'application/json', ...headers })
      .end(JSON.stringify({ code, message, more_info: `https://www.twilio.com/docs/errors/${code}`, status }));

/**
 * Plays Twilio's API for messages on this machine. It checks path, credentials and form as Twilio documents them, and
 * counts the messages. `answers` are used one after the other. Later messages are accepted.
 */
export class TwilioStandIn {
  readonly given: Accepted[] = [];
  answers: Answering[] = [];
  private readonly server = createServer((request, response) => void this.answer(request, response));

  constructor(
    private readonly accountSid: string,
    private readonly authToken: string,
  ) {}

  async listen(): Promise<string> {
    this.server.listen(0, '127.0.0.1');
    await once(this.server, 'listening');
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  async close(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }

  private async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    if (request.url !== `/2010-04-01/Accounts/${this.accountSid}/Messages.json` || request.method !== 'POST')
      return twilioError(404, 20404, 'The requested resource was not found')(request, response);
    const expected = `Basic ${Buffer.from(`${this.accountSid}:${this.authToken}`).toString('base64')}`;
    if (request.headers.authorization !== expected) return twilioError(401, 20003, 'Authenticate')(request, response);
    const form = new URLSearchParams(Buffer.concat(chunks).toString());
    const fault = faultOf(request, form);
    if (fault) return twilioError(400, 21600, fault)(request, response);
    this.given.push(Object.fromEntries(form));
    const answering = this.answers.shift() ?? accepted(this.given.length);
    answering(request, response);
  }
}

function faultOf(request: IncomingMessage, form: URLSearchParams): string | undefined {
  if (request.headers['content-type'] !== 'application/x-www-form-urlencoded') return 'The body is no form.';
  for (const name of form.keys()) if (!KNOWN_FIELDS.has(name)) return `The field ${name} is unknown.`;
  if (!/^(whatsapp:)?\+[1-9]\d{6,14}$/.test(form.get('To') ?? '')) return 'To is no number.';
  if (form.has('From') === form.has('MessagingServiceSid')) return 'Either From or MessagingServiceSid is needed.';
  if (form.has('Body') === form.has('ContentSid')) return 'Either Body or ContentSid is needed.';
  if ((form.get('Body') ?? 'x').length > 1_600) return 'Body is too long.';
  if (form.has('ValidityPeriod') && !/^([1-9]\d{0,4})$/.test(form.get('ValidityPeriod')!)) return 'ValidityPeriod';
  return undefined;
}

const accepted =
  (number: number): Answering =>
  (_request, response) =>
    void response
      .writeHead(201, { 'Content-Type': 'application/json' })
      .end(JSON.stringify({ sid: `SM${String(number).padStart(32, '0')}`, status: 'queued' }));
