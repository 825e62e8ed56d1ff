import { Webhook, WebhookVerificationError } from 'standardwebhooks';
import { Unavailable, type ClaimedDelivery, type SendOutcome } from '@tocsin/contracts';
import { anEntry, aTenant, eventually } from '@tocsin/contracts/testing';
import { composeMessage } from '../compose-message';
import { WebhookChannel, type WebhookOptions } from './webhook.channel';
import { OneEndpoint, SECRET } from './webhook/testing/one-endpoint';
import { openRawReceiver, openReceiver, type Receiver } from './webhook/testing/receiver';

const receivers: Receiver[] = [];
const kept = async (receiver: Promise<Receiver>): Promise<Receiver> => {
  receivers.push(await receiver);
  return receiver;
};
afterEach(async () => {
  await Promise.all(receivers.splice(0).map((receiver) => receiver.close()));
});

let endpoints: OneEndpoint;
beforeEach(() => void (endpoints = new OneEndpoint()));

const entry = anEntry({ message: 'größer als 2 kg – 😀' });
const aDelivery = (overrides: Partial<ClaimedDelivery> = {}): ClaimedDelivery => ({
  tenant_id: aTenant('bakery'),
  delivery_id: '5f0c9a52-0000-4000-8000-000000000001',
  channel: 'webhook',
  recipient: '',
  attempt: 1,
  created_at: '2026-01-02T03:04:06.000Z',
  first_due_at: '2026-01-02T03:04:06.000Z',
  entry,
  notification: null,
  ...overrides,
});
// timeouts that are a tenth of the real ones
const TIMES = { connectMs: 300, headMs: 1_000, bodyMs: 300, totalMs: 3_000 };
const channelOf = (options: WebhookOptions = {}) =>
  new WebhookChannel(endpoints, { allowPrivate: true, times: TIMES, ...options });
const sendTo = (recipient: string, overrides: Partial<ClaimedDelivery> = {}, signal = new AbortController().signal) =>
  channelOf().send(aDelivery({ recipient, ...overrides }), signal);
const answering = (status: number, headers: Record<string, string> = {}, body = '') =>
  kept(openReceiver((response) => response.writeHead(status, headers).end(body)));

describe('a receiver that verifies with the library of the standard', () => {
  it('reads the entry, and the same id in every attempt', async () => {
    const receiver = await answering(204);
    expect(await sendTo(receiver.url)).toEqual({ outcome: 'sent', answer: '204' });
    expect(await sendTo(receiver.url, { attempt: 2 })).toMatchObject({ outcome: 'sent' });
    const [first, second] = receiver.received;
    expect(new Webhook(SECRET).verify(first!.body, first!.headers)).toEqual({
      type: 'alert.raised',
      timestamp: entry.received_at,
      delivery_id: aDelivery().delivery_id,
      data: entry,
    });
    expect(second!.body).toBe(first!.body);
    expect(second!.headers['webhook-id']).toBe(aDelivery().delivery_id);
    expect(first!.headers).toMatchObject({
      'content-type': 'application/json',
      'accept-encoding': 'identity',
      'user-agent': 'Tocsin',
      'webhook-id': aDelivery().delivery_id,
    });
    expect(Math.abs(Number(first!.headers['webhook-timestamp']) - Date.now() / 1_000)).toBeLessThan(5);
  });

  it('gets the span that sends to it as the parent of its own, where the trace is sampled', async () => {
    const receiver = await answering(204);
    const trace = { trace_id: '0af7651916cd43dd8448eb211c80319c', span_id: 'b7ad6b7169203331', sampled: true };
    await sendTo(receiver.url, { trace });
    await sendTo(receiver.url);
    expect(receiver.received.map(({ headers }) => headers['traceparent'])).toEqual([
      '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
      undefined,
    ]);
  });

  it('accepts either secret during a rotation, and no other one', async () => {
    const old = `whsec_${Buffer.from('an-old-secret-of-these-tests-0123').toString('base64')}`;
    endpoints.endpoint = { ...endpoints.endpoint, secrets: [SECRET, old] };
    const receiver = await answering(200);
    await sendTo(receiver.url);
    const { body, headers } = receiver.received[0]!;
    expect(headers['webhook-signature']).toMatch(/^v1,\S{44} v1,\S{44}$/);
    for (const secret of [SECRET, old]) expect(new Webhook(secret).verify(body, headers)).toBeDefined();
    const third = `whsec_${Buffer.from('another-secret-0123456789-01234567').toString('base64')}`;
    expect(() => new Webhook(third).verify(body, headers)).toThrow(WebhookVerificationError);
    expect(() => new Webhook(SECRET).verify(`${body} `, headers)).toThrow(WebhookVerificationError);
  });

  it.each([
    ['behind', 1],
    ['ahead', -1],
  ])('accepts a message while its clock is up to 300 s %s, and refuses it a second later', async (_, sign) => {
    const receiver = await answering(200);
    await sendTo(receiver.url);
    const { body, headers } = receiver.received[0]!;
    const sentAt = Number(headers['webhook-timestamp']) * 1_000;
    const verifyAt = (ms: number): unknown => {
      jest.useFakeTimers({ now: ms });
      try {
        return new Webhook(SECRET).verify(body, headers);
      } finally {
        jest.useRealTimers();
      }
    };
    expect(verifyAt(sentAt - sign * 300_000)).toMatchObject({ type: 'alert.raised' });
    expect(() => verifyAt(sentAt - sign * 301_000)).toThrow(WebhookVerificationError);
  });

  it('never gets an empty body: the library would verify it to undefined', async () => {
    endpoints.endpoint = { ...endpoints.endpoint, headers: { 'Content-Length': '0' } };
    const receiver = await answering(200);
    await sendTo(receiver.url);
    const { body, headers } = receiver.received[0]!;
    expect(new Webhook(SECRET).verify(body, headers)).toMatchObject({ type: 'alert.raised' });
  });

  it('gets the headers of its endpoint, of which none replaces one of ours', async () => {
    const headers = { Authorization: 'Bearer x', 'X-Room': '7', 'Webhook-Id': 'forged', 'USER-AGENT': 'forged' };
    endpoints.endpoint = { ...endpoints.endpoint, headers };
    const receiver = await answering(200);
    await sendTo(receiver.url);
    expect(receiver.received[0]!.headers).toMatchObject({
      authorization: 'Bearer x',
      'x-room': '7',
      'webhook-id': aDelivery().delivery_id,
      'user-agent': 'Tocsin',
    });
  });
});

describe('what an answer means', () => {
  it.each<[number, Partial<SendOutcome>]>([
    [200, { outcome: 'sent' }],
    [202, { outcome: 'sent' }],
    [299, { outcome: 'sent' }],
    [304, { outcome: 'failed', reason: 'redirected' }],
    [400, { outcome: 'failed', reason: 'rejected' }],
    [401, { outcome: 'failed', reason: 'unauthorized' }],
    [403, { outcome: 'failed', reason: 'unauthorized' }],
    [404, { outcome: 'failed', reason: 'invalid_recipient' }],
    [408, { outcome: 'retry', reason: 'timeout' }],
    [409, { outcome: 'retry', reason: 'rate_limited' }],
    [410, { outcome: 'failed', reason: 'gone' }],
    [413, { outcome: 'failed', reason: 'rejected' }],
    [422, { outcome: 'failed', reason: 'rejected' }],
    [425, { outcome: 'retry', reason: 'rate_limited' }],
    [429, { outcome: 'retry', reason: 'rate_limited' }],
    [451, { outcome: 'failed', reason: 'rejected' }],
    [500, { outcome: 'retry', reason: 'provider_error' }],
    [503, { outcome: 'retry', reason: 'provider_error' }],
    [599, { outcome: 'retry', reason: 'provider_error' }],
  ])('%d', async (status, outcome) => {
    const receiver = await answering(status, {}, 'because');
    const answer = status === 304 ? '304' : `${status} because`;
    expect(await sendTo(receiver.url)).toEqual({ ...outcome, answer });
    expect(receiver.received).toHaveLength(1);
  });

  it('Retry-After counts as seconds and as a date, and in no other form', async () => {
    const after = async (value: string, status = 429) => {
      const outcome = await sendTo((await answering(status, { 'retry-after': value })).url);
      return outcome.outcome === 'retry' ? outcome.retry_after_ms : outcome;
    };
    expect(await after('7')).toBe(7_000);
    expect(await after('0', 503)).toBe(0);
    const inAMinute = await after(new Date(Date.now() + 60_000).toUTCString());
    expect(inAMinute).toBeGreaterThan(50_000);
    expect(inAMinute).toBeLessThanOrEqual(60_000);
    expect(await after('Fri, 02 Jan 2026 03:04:05 GMT')).toBe(0);
    for (const value of ['soon', '-1', '1.5', '99999999999', '2026-01-02']) expect(await after(value)).toBeUndefined();
  });

  it('the words of the answer are kept, without control characters and at most 1,000 of them', async () => {
    const receiver = await answering(400, {}, `no\0\u001b[31m\u202e${'x'.repeat(5_000)}`);
    const { answer } = (await sendTo(receiver.url)) as { answer: string };
    expect(answer).toHaveLength(1_000);
    expect(answer).toMatch(/^400 no \[31m x+$/);
  });

  it('a chat that says in its body that it refused is not sent to', async () => {
    const receiver = await answering(200, {}, '{"ok":false,"error_code":429,"parameters":{"retry_after":3}}');
    endpoints.endpoint = { ...endpoints.endpoint, format: 'telegram' };
    expect(await sendTo(`${receiver.url}?chat_id=7`)).toMatchObject({
      outcome: 'retry',
      reason: 'rate_limited',
      retry_after_ms: 3_000,
    });
    expect(receiver.received[0]).toMatchObject({ path: '/hook' });
    expect(await sendTo(receiver.url)).toMatchObject({ outcome: 'failed', reason: 'invalid_recipient' });
    expect(receiver.received).toHaveLength(1);
  });

  it('the port is closed: nothing was sent, and it is tried again', async () => {
    const receiver = await openReceiver(() => undefined);
    await receiver.close();
    expect(await sendTo(receiver.url)).toEqual({
      outcome: 'retry',
      reason: 'connection_failed',
      answer: 'ECONNREFUSED',
    });
  });

  it('the name does not exist', async () => {
    const channel = channelOf({ resolve: () => Promise.reject(Object.assign(new Error('no'), { code: 'ENOTFOUND' })) });
    const sent = await channel.send(aDelivery({ recipient: 'http://nowhere.example/' }), new AbortController().signal);
    expect(sent).toEqual({ outcome: 'retry', reason: 'connection_failed', answer: 'ENOTFOUND' });
  });

  it('the name server never answers', async () => {
    const channel = channelOf({ resolve: () => new Promise(() => undefined) });
    const sent = await channel.send(aDelivery({ recipient: 'http://nowhere.example/' }), new AbortController().signal);
    expect(sent).toMatchObject({ outcome: 'retry', reason: 'timeout' });
  });

  it('https to a server that does not speak it: nothing was sent', async () => {
    const receiver = await answering(200);
    expect(await sendTo(receiver.url.replace('http:', 'https:'))).toMatchObject({
      outcome: 'retry',
      reason: 'connection_failed',
    });
    expect(receiver.received).toEqual([]);
  });

  it('it takes the request and says nothing: unknown, and the next attempt has the same id', async () => {
    const receiver = await kept(
      openReceiver((response, _request, nth) => void (nth > 1 && response.writeHead(200).end())),
    );
    const began = performance.now();
    expect(await sendTo(receiver.url)).toMatchObject({ outcome: 'unknown', reason: 'timeout' });
    expect(performance.now() - began).toBeLessThan(TIMES.headMs + 1_000);
    expect(await sendTo(receiver.url, { attempt: 2 })).toMatchObject({ outcome: 'sent' });
    expect(new Set(receiver.received.map(({ headers }) => headers['webhook-id'])).size).toBe(1);
  });

  it('it takes the request and closes: unknown', async () => {
    const receiver = await kept(openRawReceiver((socket) => socket.end()));
    expect(await sendTo(receiver.url)).toMatchObject({ outcome: 'unknown', reason: 'connection_lost' });
    const reset = await kept(openRawReceiver((socket) => socket.resetAndDestroy()));
    expect(await sendTo(reset.url)).toMatchObject({ outcome: 'unknown', reason: 'connection_lost' });
  });

  it('it closes in the middle of a body of 200: sent', async () => {
    const receiver = await kept(
      openReceiver((response) => {
        response.writeHead(200, { 'content-length': '100' });
        response.write('half', () => response.destroy());
      }),
    );
    expect(await sendTo(receiver.url)).toEqual({ outcome: 'sent', answer: '200 half' });
  });

  it('its answer is not HTTP, or changes the protocol: unknown', async () => {
    for (const answer of [
      'SSH-2.0-OpenSSH_9.2\r\n',
      'HTTP/1.1 101 Switching\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n',
    ])
      expect(await sendTo((await kept(openRawReceiver((socket) => socket.end(answer)))).url)).toMatchObject({
        outcome: 'unknown',
        reason: 'connection_lost',
      });
  });

  it('an attempt that is aborted ends at once: unknown when the request may have been read', async () => {
    const receiver = await kept(openReceiver(() => undefined));
    const abort = new AbortController();
    const sending = sendTo(receiver.url, {}, abort.signal);
    await eventually(() => expect(receiver.received).toHaveLength(1));
    const began = performance.now();
    abort.abort();
    expect(await sending).toMatchObject({ outcome: 'unknown', reason: 'timeout' });
    expect(performance.now() - began).toBeLessThan(500);
    expect(await sendTo(receiver.url, {}, AbortSignal.abort())).toMatchObject({ outcome: 'retry', reason: 'timeout' });
  });
});

describe('an endpoint', () => {
  it('is told of a failure, and of a success only after one', async () => {
    const good = await answering(200);
    const bad = await answering(500);
    await sendTo(good.url);
    expect(endpoints.successes).toBe(0);
    await sendTo(bad.url);
    expect(endpoints.failures).toEqual([
      { gone: false, disableAfterMs: 5 * 86_400_000, forgetAfterMs: 2 * 86_400_000 },
    ]);
    await sendTo(good.url);
    await sendTo(good.url);
    expect(endpoints.successes).toBe(1);
  });

  it('that is gone is switched off, and gets nothing more', async () => {
    const receiver = await answering(410);
    const told: unknown[] = [];
    const channel = channelOf({ onDisabled: (endpoint) => told.push(endpoint) });
    const send = () => channel.send(aDelivery({ recipient: receiver.url }), new AbortController().signal);
    expect(await send()).toMatchObject({ outcome: 'failed', reason: 'gone' });
    expect(await send()).toEqual({ outcome: 'failed', reason: 'endpoint_disabled', of: 'us' });
    expect(receiver.received).toHaveLength(1);
    expect(told).toEqual([{ tenant_id: 'bakery', endpoint_id: 'e-1', reason: 'gone' }]);
  });

  it('is one for every spelling of its address', async () => {
    const receiver = await answering(200);
    await sendTo(receiver.url);
    await sendTo(`${receiver.url.replace('http', 'HTTP')}#part`);
    expect(new Set(endpoints.used)).toEqual(new Set([receiver.url]));
  });

  it('whose headers cannot be decrypted gets no post without them', async () => {
    endpoints.endpoint = { ...endpoints.endpoint, headers: null };
    const receiver = await answering(200);
    expect(await sendTo(receiver.url)).toMatchObject({ outcome: 'retry', reason: 'not_configured', of: 'us' });
    expect(receiver.received).toEqual([]);
    // the operator has changed the key: that must not switch the endpoint off
    expect(endpoints.failures).toEqual([]);
  });

  it('with a template gets the body that it writes, signed, and keeps what its host says in answers', async () => {
    endpoints.endpoint = {
      ...endpoints.endpoint,
      format: 'slack',
      template:
        '{"text": "{{ subject }}", "id": "{{ delivery_id }}", "words": "{{ message }}", "see": "{{ page_url }}"}',
    };
    const receiver = await answering(200, {}, '{"ok": false}');
    const channel = channelOf({ publicUrl: 'https://tocsin.example.com' });
    const outcome = await channel.send(aDelivery({ recipient: receiver.url }), new AbortController().signal);
    expect(outcome).toMatchObject({ outcome: 'failed', reason: 'rejected' });
    const [{ body, headers }] = receiver.received as [(typeof receiver.received)[number]];
    expect(new Webhook(SECRET).verify(body, headers)).toEqual({
      text: composeMessage(aDelivery()).subject,
      id: aDelivery().delivery_id,
      words: 'größer als 2 kg – 😀',
      see: `https://tocsin.example.com/?alert=${entry.alert_id}`,
    });
    expect(headers['content-type']).toBe('application/json');
  });

  it('whose template makes no body of this alert gets no post, and the attempt says why', async () => {
    endpoints.endpoint = { ...endpoints.endpoint, template: '{"n":\n {% if data.name %}1{% endif %}}' };
    const receiver = await answering(200);
    expect(await sendTo(receiver.url, { entry: anEntry({ name: null }) })).toEqual({
      outcome: 'failed',
      reason: 'template_failed',
      answer: 'Line 2, column 2: The body of this delivery is not JSON there.',
      of: 'us',
    });
    expect(receiver.received).toEqual([]);
    expect(await sendTo(receiver.url, { entry: anEntry({ name: 'flour' }) })).toMatchObject({ outcome: 'sent' });
  });

  it('that cannot be read gets no post; a post that cannot be recorded still counts', async () => {
    const away = () => Promise.reject(new Unavailable('log', 'away'));
    const receiver = await answering(500);
    endpoints.failed = away;
    expect(await sendTo(receiver.url)).toMatchObject({ outcome: 'retry', reason: 'provider_error' });
    endpoints.use = away;
    expect(await sendTo(receiver.url)).toMatchObject({ outcome: 'retry', reason: 'connection_failed', of: 'us' });
    expect(receiver.received).toHaveLength(1);
  });

  it('that may not be connected to, or is no address, says nothing of a receiver', async () => {
    const closed = channelOf({
      allowPrivate: false,
      resolve: () => Promise.resolve([{ address: '10.0.0.1', family: 4 }]),
    });
    for (const recipient of ['https://inside.example/', 'https://10.0.0.1/', 'nonsense'])
      expect(await closed.send(aDelivery({ recipient }), new AbortController().signal)).toMatchObject({
        outcome: 'failed',
        of: 'us',
      });
  });

  it('has a breaker by its host and tenant: the limits of one tenant in a chat stop no other', () => {
    const channel = channelOf();
    const providerOf = (recipient: string) => channel.providerOf(aDelivery({ recipient }));
    expect(providerOf('https://a.example/1')).toBe(providerOf('https://A.example/2'));
    expect(providerOf('https://a.example/1')).not.toBe(providerOf('https://b.example/1'));
    expect(providerOf('nonsense')).toBe('webhook');
    const recipient = 'https://hooks.slack.com/services/T0/B0/x';
    const ofTenant = (name: string) => channel.providerOf(aDelivery({ recipient, tenant_id: aTenant(name) }));
    expect(ofTenant('bakery')).toBe(ofTenant('bakery'));
    expect(ofTenant('bakery')).not.toBe(ofTenant('diner'));
  });
});
