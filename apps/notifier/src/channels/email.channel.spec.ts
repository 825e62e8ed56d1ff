import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { simpleParser } from 'mailparser';
import { SignedLinks } from '@tocsin/auth';
import { Unavailable, type ClaimedDelivery, type SendOutcome } from '@tocsin/contracts';
import { anEntry, aTenant, eventually } from '@tocsin/contracts/testing';
import type { Subscriber } from '@tocsin/contracts/ports';
import { createLogger, Metrics } from '@tocsin/observability';
import { Breakers, FAILURES } from '../breakers';
import { Deliver } from '../deliver';
import { SmtpSink } from '../testing/smtp-sink';
import { EmailChannel, type EmailOptions } from './email.channel';

const SENDER = { name: 'Tocsin', address: 'alerts@tocsin.test', domain: 'tocsin.test' };
const links = new SignedLinks({ read: () => Promise.resolve('k'.repeat(64)) });

let sink: SmtpSink;
let channel: EmailChannel;
let unsubscribed: (subscriber: Subscriber) => boolean | Promise<boolean>;
const closing: (() => Promise<void>)[] = [];
beforeEach(() => (unsubscribed = () => false));
afterEach(async () => {
  while (closing.length > 0) await closing.pop()!();
});

async function serve(options?: ConstructorParameters<typeof SmtpSink>[0]): Promise<void> {
  const opened = await new SmtpSink(options).listen();
  sink = opened;
  closing.push(() => opened.close());
  channel = open();
}
function open(more: Partial<EmailOptions> = {}): EmailChannel {
  const opened = new EmailChannel(
    {
      SMTP_URL: `smtp://127.0.0.1:${sink.port}`,
      MAIL_FROM: SENDER,
      PUBLIC_URL: 'https://tocsin.test/t',
      ...more,
    },
    links,
    { has: (subscriber) => Promise.resolve(unsubscribed(subscriber)) },
  );
  closing.push(() => opened.close());
  return opened;
}
const aDelivery = (overrides: Partial<ClaimedDelivery> = {}): ClaimedDelivery => ({
  entry: anEntry({ message: 'Only 2 kg left' }),
  notification: null,
  tenant_id: aTenant('bakery'),
  delivery_id: randomUUID(),
  channel: 'email',
  recipient: 'ana@example.test',
  attempt: 1,
  created_at: '2026-01-02T03:04:06.000Z',
  first_due_at: '2026-01-02T03:04:06.000Z',
  ...overrides,
});
const send = (delivery: Partial<ClaimedDelivery> = {}, signal = new AbortController().signal): Promise<SendOutcome> =>
  channel.send(aDelivery(delivery), signal);
/** The headers as they travel, unfolded. */
const headersOf = (raw: Buffer) =>
  raw
    .toString()
    .split('\r\n\r\n')[0]!
    .replace(/\r\n[ \t]+/g, ' ')
    .split('\r\n');

describe('a mail that is accepted', () => {
  it('is sent to the server once, in this order', async () => {
    await serve({ hidePIPELINING: true });
    expect(await send()).toEqual({ outcome: 'sent', answer: '250 OK: message queued' });
    expect(sink.transcript.filter((line) => /^C: (?!EHLO)/.test(line))).toEqual([
      'C: MAIL FROM:<alerts@tocsin.test>',
      'C: RCPT TO:<ana@example.test>',
      'C: DATA',
      expect.stringMatching(/^C: <\d+ bytes of DATA>$/),
    ]);
    expect(sink.accepted).toHaveLength(1);
  });

  it('has text and HTML, its own id, the thread of its alert, and one-click unsubscribe', async () => {
    await serve();
    const delivery = aDelivery();
    await channel.send(delivery, new AbortController().signal);
    const mail = await simpleParser(sink.accepted[0]!);
    const thread = `<alert-${delivery.entry!.alert_id}@tocsin.test>`;
    expect(mail).toMatchObject({
      subject: '[URGENT] Flour is running low · inventory',
      from: { text: '"Tocsin" <alerts@tocsin.test>' },
      to: { text: 'ana@example.test' },
      messageId: `<${delivery.delivery_id}@tocsin.test>`,
      inReplyTo: thread,
      references: thread,
      text: expect.stringContaining('Only 2 kg left') as string,
      html: expect.stringContaining('Only 2 kg left</p>') as string,
    });
    const headers = headersOf(sink.accepted[0]!);
    expect(headers).toContain('List-Unsubscribe-Post: List-Unsubscribe=One-Click');
    expect(headers).toContain('Auto-Submitted: auto-generated');
    expect(headers).toContain('Importance: high');
    const [, unsubscribe] = /^List-Unsubscribe: <https:\/\/tocsin\.test\/t\/u\/([^>\s]+)>$/m.exec(headers.join('\n'))!;
    const to = { tenant_id: 'bakery', channel: 'email', address: 'ana@example.test' };
    expect(await links.read(unsubscribe!, 'unsubscribe')).toEqual({
      ok: true,
      link: { ...to, purpose: 'unsubscribe', alert_id: null },
    });
    const [, acknowledge] = /Acknowledge: https:\/\/tocsin\.test\/t\/a\/(\S+)/.exec(mail.text!)!;
    expect(await links.read(acknowledge!, 'acknowledge')).toEqual({
      ok: true,
      link: { ...to, purpose: 'acknowledge', alert_id: delivery.entry!.alert_id },
    });
  });

  it('has the same id when it is sent again, and the next mail of its alert the same thread', async () => {
    await serve();
    const first = aDelivery();
    await channel.send(first, new AbortController().signal);
    await channel.send({ ...first, attempt: 2 }, new AbortController().signal);
    await channel.send(aDelivery({ entry: first.entry }), new AbortController().signal);
    const [one, again, next] = await Promise.all(sink.accepted.map((raw) => simpleParser(raw)));
    expect(again!.messageId).toBe(one!.messageId);
    expect(next!.messageId).not.toBe(one!.messageId);
    expect(next!.references).toBe(one!.references);
  });

  it('offers no one-click unsubscribe over plain http, and no link without a public address', async () => {
    await serve();
    await open({ PUBLIC_URL: 'http://localhost:8000' }).send(aDelivery(), new AbortController().signal);
    await open({ PUBLIC_URL: undefined }).send(aDelivery(), new AbortController().signal);
    const [plain, none] = sink.accepted.map((raw) => headersOf(raw).filter((line) => line.startsWith('List-')));
    expect(plain).toEqual([expect.stringMatching(/^List-Unsubscribe: <http:\/\/localhost:8000\/u\/\S+>$/)]);
    expect(none).toEqual([]);
  });

  it('goes over a connection that stays open', async () => {
    await serve();
    for (let sent = 0; sent < 3; sent += 1) expect(await send()).toMatchObject({ outcome: 'sent' });
    expect(sink.count('EHLO')).toBe(1);
  });
});

describe('a reply decides', () => {
  it.each([
    ['550 5.1.1 No such user', { outcome: 'failed', reason: 'invalid_recipient' }],
    ['551 5.1.6 Moved', { outcome: 'failed', reason: 'invalid_recipient' }],
    ['553 5.1.3 What a name', { outcome: 'failed', reason: 'invalid_recipient' }],
    ['552 5.2.2 Full for good', { outcome: 'failed', reason: 'rejected' }],
    ['554 5.7.1 Spam', { outcome: 'failed', reason: 'rejected' }],
    ['503 5.5.1 Bad sequence', { outcome: 'retry', reason: 'provider_error' }],
    ['530 5.7.0 Authentication required', { outcome: 'retry', reason: 'unauthorized' }],
    ['421 4.3.2 Closing', { outcome: 'retry', reason: 'provider_error' }],
    ['421 4.7.0 Too many mails', { outcome: 'retry', reason: 'rate_limited' }],
    ['450 4.7.1 Greylisted', { outcome: 'retry', reason: 'rate_limited', of: 'recipient' }],
    ['450 Mailbox busy', { outcome: 'retry', reason: 'provider_error', of: 'recipient' }],
    ['451 4.3.0 Error in processing', { outcome: 'retry', reason: 'provider_error' }],
    ['452 4.3.1 Disk full', { outcome: 'retry', reason: 'provider_error' }],
    ['452 4.2.2 Full for now', { outcome: 'retry', reason: 'provider_error', of: 'recipient' }],
  ])('at RCPT %s, with and without PIPELINING, in one attempt', async (reply, expected) => {
    for (const hidePIPELINING of [false, true]) {
      await serve({ atRcpt: () => reply, hidePIPELINING });
      const outcome = await send();
      expect([hidePIPELINING, outcome]).toEqual([
        hidePIPELINING,
        { ...expected, answer: expect.stringContaining(reply) as string },
      ]);
      expect(sink.count('RCPT')).toBe(1);
      expect(sink.accepted).toEqual([]);
    }
  });

  it.each([
    ['550 5.7.1 Not from you', { outcome: 'failed', reason: 'rejected' }],
    ['530 5.7.0 Authentication required', { outcome: 'retry', reason: 'unauthorized' }],
    ['451 4.3.0 Later', { outcome: 'retry', reason: 'provider_error' }],
  ])('at MAIL FROM %s', async (reply, expected) => {
    await serve({ atMail: () => reply });
    expect(await send()).toMatchObject(expected);
  });

  it.each([
    ['550 5.7.1 Content refused', { outcome: 'failed', reason: 'rejected' }],
    ['552 5.3.4 Too large', { outcome: 'failed', reason: 'rejected' }],
    ['451 4.3.0 Later', { outcome: 'retry', reason: 'provider_error' }],
    ['421 4.3.2 Closing', { outcome: 'retry', reason: 'provider_error' }],
  ])('after the content %s', async (reply, expected) => {
    await serve({ atData: () => reply });
    expect(await send()).toMatchObject(expected);
    expect(sink.count('DATA')).toBe(1);
  });

  it('a full mailbox keeps no mail from others, and a full server does', async () => {
    const metrics = new Metrics({ version: 'test', commit: 'test', tenantLimit: 0 });
    const log = createLogger({ app: 'test', level: 'silent' });
    const now = new Date().toISOString();
    for (const [reply, expected] of [
      ['452 4.2.2 Mailbox full', 'sent'],
      ['452 4.3.1 Disk full', 'released'],
    ] as const) {
      await serve({ atRcpt: (address) => (address.startsWith('full') ? reply : undefined) });
      const breaking = new Deliver(new Breakers(metrics, log), metrics, log);
      const deliver = async (recipient: string) => {
        const delivery = aDelivery({ recipient, created_at: now, first_due_at: now });
        return (await breaking.deliver(channel, delivery, new AbortController().signal)).outcome;
      };
      for (let n = 0; n < FAILURES; n += 1) expect(await deliver('full@a.test')).toBe('retry');
      expect(await deliver('ana@a.test')).toBe(expected);
    }
  });

  it('a 421 to one mail does not stop the others', async () => {
    await serve({ atRcpt: (address) => (address.startsWith('busy') ? '421 4.3.2 Closing' : undefined) });
    const outcomes = await Promise.all(
      Array.from({ length: 20 }, (_, at) => send({ recipient: at % 4 === 0 ? 'busy@a.test' : 'ana@a.test' })),
    );
    expect(outcomes.map(({ outcome }) => outcome)).toEqual(
      Array.from({ length: 20 }, (_, at) => (at % 4 === 0 ? 'retry' : 'sent')),
    );
    expect(sink.accepted).toHaveLength(15);
  });
});

describe('a server that falls silent or goes away', () => {
  const SHORT = { connectionTimeout: 300, greetingTimeout: 300, socketTimeout: 300 };

  it('after the content may have accepted the mail', async () => {
    await serve({ atData: () => 'stall' });
    channel = open({ steps: SHORT });
    expect(await send()).toMatchObject({ outcome: 'unknown', reason: 'timeout' });
    expect(sink.count('DATA')).toBe(1);
    await serve({ atData: () => 'close' });
    expect(await send()).toMatchObject({ outcome: 'unknown', reason: 'connection_lost' });
  });

  it('before the content has not accepted the mail', async () => {
    await serve({ atRcpt: () => 'stall' });
    channel = open({ steps: SHORT });
    expect(await send()).toMatchObject({ outcome: 'retry', reason: 'timeout' });
    await serve({ atRcpt: () => 'close' });
    expect(await send()).toMatchObject({ outcome: 'retry', reason: 'connection_failed' });
  });

  it('before its greeting has not accepted the mail', async () => {
    const sockets: Socket[] = [];
    for (const [act, reason] of [
      [() => undefined, 'timeout'],
      [(socket: Socket) => socket.destroy(), 'connection_failed'],
      [(socket: Socket) => socket.end('554 5.7.1 Not you\r\n'), 'provider_error'],
      [(socket: Socket) => socket.end('421 4.3.2 Not now\r\n'), 'provider_error'],
      [(socket: Socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'), 'connection_failed'],
    ] as const) {
      const server: Server = createServer((socket) => {
        sockets.push(socket.on('error', () => undefined));
        act(socket);
      });
      await once(server.listen(0, '127.0.0.1'), 'listening');
      const port = (server.address() as AddressInfo).port;
      channel = open({ SMTP_URL: `smtp://127.0.0.1:${port}`, steps: SHORT });
      expect([reason, await send()]).toEqual([
        reason,
        { outcome: 'retry', reason, answer: expect.any(String) as string },
      ]);
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    }
  });

  it('that has closed its port, or is unknown, is tried again later', async () => {
    await serve();
    channel = open();
    await sink.close();
    closing.splice(0, 1);
    expect(await send()).toMatchObject({ outcome: 'retry', reason: 'connection_failed' });
    // no name server is asked for a part of 64 characters: one that is silent would take longer
    channel = open({ SMTP_URL: `smtp://${'x'.repeat(64)}.invalid` });
    expect(await send()).toMatchObject({ outcome: 'retry', reason: 'connection_failed' });
  });

  it('does not hold an aborted attempt, which ends at once and says whether the mail may have been accepted', async () => {
    for (const [options, expected, command] of [
      [{ atData: () => 'stall' }, { outcome: 'unknown', reason: 'timeout' }, 'DATA'],
      [{ atRcpt: () => 'stall' }, { outcome: 'retry', reason: 'timeout' }, 'RCPT'],
    ] as const) {
      await serve(options);
      const giving = new AbortController();
      const sending = send({}, giving.signal);
      await eventually(() => expect(sink.count(command)).toBe(1));
      if (command === 'DATA') await eventually(() => expect(sink.received).toBe(1));
      const startedAt = performance.now();
      giving.abort();
      expect(await sending).toMatchObject(expected);
      expect(performance.now() - startedAt).toBeLessThan(1_000);
    }
  });
});

describe('credentials and encryption', () => {
  const onAuth: NonNullable<ConstructorParameters<typeof SmtpSink>[0]>['onAuth'] = ({ password }, _, done) =>
    password === 'right' ? done(null, { user: 'us@er' }) : done(new Error('Invalid credentials'));

  it('a wrong password is not the fault of the message', async () => {
    await serve({ onAuth, allowInsecureAuth: true, authOptional: false });
    channel = open({ SMTP_URL: `smtp://us%40er:wrong@127.0.0.1:${sink.port}` });
    expect(await send()).toMatchObject({ outcome: 'retry', reason: 'unauthorized' });
    channel = open({ SMTP_URL: `smtp://us%40er:right@127.0.0.1:${sink.port}` });
    expect(await send()).toMatchObject({ outcome: 'sent' });
  });

  it('STARTTLS is used where it is offered, before the password', async () => {
    // smtp-server warns that its certificate is for tests
    const warned = jest.spyOn(console, 'error').mockImplementation();
    await serve({ onAuth, authOptional: false, disabledCommands: [] });
    warned.mockRestore();
    const url = `smtp://us%40er:right@127.0.0.1:${sink.port}`;
    // the certificate of the sink is signed by no known authority
    channel = open({ SMTP_URL: url });
    expect(await send()).toMatchObject({ outcome: 'retry', reason: 'connection_failed' });
    channel = open({ SMTP_URL: `${url}/?tls.rejectUnauthorized=false` });
    expect(await send()).toMatchObject({ outcome: 'sent' });
    const said = sink.transcript.filter((line) => line.startsWith('C: ')).map((line) => line.split(' ')[1]);
    expect(said.lastIndexOf('STARTTLS')).toBeLessThan(said.indexOf('AUTH'));
    expect(said).toContain('STARTTLS');
  });

  it('a password is not sent to another machine in the clear', async () => {
    await serve({ onAuth, allowInsecureAuth: true });
    // 0.0.0.0 leads to this machine and is not its name
    channel = open({ SMTP_URL: `smtp://us%40er:right@0.0.0.0:${sink.port}` });
    expect(await send()).toMatchObject({ outcome: 'retry' });
    expect(sink.count('AUTH')).toBe(0);
    channel = open({ SMTP_URL: `smtp://us%40er:right@0.0.0.0:${sink.port}/?requireTLS=false` });
    expect(await send()).toMatchObject({ outcome: 'sent' });
  });
});

describe('recipients', () => {
  it.each([
    'a,b@example.test',
    'a@b@example.test',
    '"a b"@example.test',
    'a@example.test\r\nRCPT TO:<canary@evil.test>',
    'a@example.test> RCPT TO:<canary@evil.test',
    '<a@example.test>',
    'a@[127.0.0.1]',
    'group: a@example.test;',
    'a @example.test',
    'default',
    '',
  ])('%j is none, and the server is not asked', async (recipient) => {
    await serve();
    expect(await send({ recipient })).toEqual({ outcome: 'failed', reason: 'invalid_recipient', of: 'us' });
    expect(sink.transcript).toEqual([]);
  });

  it('that have unsubscribed get nothing, and this is on record', async () => {
    await serve();
    unsubscribed = ({ tenant_id, channel: over, address }) =>
      tenant_id === 'bakery' && over === 'email' && address === 'ana@example.test';
    expect(await send()).toEqual({ outcome: 'failed', reason: 'unsubscribed', of: 'us' });
    expect(await send({ recipient: 'bo@example.test' })).toMatchObject({ outcome: 'sent' });
  });

  it('get nothing while the store is unreachable, and are tried again later', async () => {
    await serve();
    unsubscribed = () => Promise.reject(new Unavailable('log', 'away'));
    expect(await send()).toEqual({ outcome: 'retry', reason: 'connection_failed', answer: 'away', of: 'us' });
    expect(sink.transcript).toEqual([]);
  });

  it('a text that cannot be made fails for good', async () => {
    await serve();
    expect(await send({ entry: { ...anEntry(), title: undefined as never } })).toEqual({
      outcome: 'failed',
      reason: 'template_failed',
      of: 'us',
    });
  });
});
