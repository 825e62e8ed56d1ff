import { once } from 'node:events';
import { randomUUID } from 'node:crypto';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import type { ClaimedDelivery, SendOutcome } from '@tocsin/contracts';
import { anEntry, aTenant } from '@tocsin/contracts/testing';
import { twilioError, TwilioStandIn, type Answering } from './testing/twilio-stand-in';
import { MAX_TEXT, TwilioChannel, twilioChannels, type TwilioOptions } from './twilio.channel';

const ACCOUNT = { TWILIO_ACCOUNT_SID: `AC${'0'.repeat(32)}`, TWILIO_AUTH_TOKEN: 'the-token-of-these-tests' };
const PUBLIC_URL = 'https://alerts.example.com';
const SMS_FROM = '+15005550006';

const twilio = new TwilioStandIn(ACCOUNT.TWILIO_ACCOUNT_SID, ACCOUNT.TWILIO_AUTH_TOKEN);
let options: TwilioOptions;
beforeAll(async () => {
  options = { ...ACCOUNT, TWILIO_API_URL: await twilio.listen(), PUBLIC_URL };
});
afterAll(() => twilio.close());
beforeEach(() => {
  twilio.given.length = 0;
  twilio.answers = [];
});

const aDelivery = (overrides: Partial<ClaimedDelivery> = {}): ClaimedDelivery => ({
  tenant_id: aTenant('bakery'),
  delivery_id: randomUUID(),
  channel: 'sms',
  recipient: '+4915112345678',
  attempt: 1,
  created_at: new Date().toISOString(),
  first_due_at: new Date().toISOString(),
  entry: anEntry({ tenant_id: aTenant('bakery'), seq: 12 }),
  notification: null,
  ...overrides,
});
const never = new AbortController().signal;
const send = (
  delivery = aDelivery(),
  {
    channel = delivery.channel as 'sms' | 'whatsapp',
    from = SMS_FROM,
    signal = never,
    ...more
  }: Partial<TwilioOptions> & { channel?: 'sms' | 'whatsapp'; from?: string; signal?: AbortSignal } = {},
): Promise<SendOutcome> => new TwilioChannel(channel, from, { ...options, ...more }).send(delivery, signal);
const answering = (...answers: Answering[]) => {
  twilio.answers = answers;
  return send();
};

describe('an SMS', () => {
  it('is sent with credentials, text, validity and the address for reports', async () => {
    const delivery = aDelivery();
    expect(await send(delivery)).toEqual({
      outcome: 'sent',
      answer: '201 queued',
      provider_id: `SM${'1'.padStart(32, '0')}`,
    });
    expect(twilio.given).toEqual([
      {
        To: '+4915112345678',
        From: SMS_FROM,
        Body: expect.stringMatching(/^URGENT: Flour is running low .* Reply "ack 12" to acknowledge$/) as string,
        SmartEncoded: 'true',
        ValidityPeriod: '900',
        StatusCallback: `${PUBLIC_URL}/api/v1/providers/twilio/status?tenant=bakery&delivery=${delivery.delivery_id}`,
      },
    ]);
  });

  it('has at most 320 characters and ends with how to reply, whatever text the alert has', async () => {
    const long = anEntry({ seq: 123_456, title: 'x'.repeat(300), message: '😀'.repeat(2_000) });
    await send(aDelivery({ entry: long }));
    const { Body } = twilio.given[0]!;
    expect(Body!.length).toBeLessThanOrEqual(MAX_TEXT);
    expect(Body!).toMatch(/Reply "ack 123456" to acknowledge$/);
    expect(Body!.isWellFormed()).toBe(true);
  });

  it('asks for no reply when it is a notification, or is sent under a name', async () => {
    const notification = {
      notification_id: randomUUID(),
      title: 'Stock-taking today',
      message: null,
      severity: 'low',
      digest_of: null,
    } as const;
    await send(aDelivery({ entry: null, notification }));
    await send(aDelivery(), { from: 'Bakery' });
    expect(twilio.given.map(({ Body }) => /Reply/.test(Body!))).toEqual([false, false]);
  });

  it('goes through a messaging service when that is the sender', async () => {
    await send(aDelivery(), { from: `MG${'a'.repeat(32)}` });
    expect(twilio.given[0]).toMatchObject({ MessagingServiceSid: `MG${'a'.repeat(32)}` });
    expect(twilio.given[0]!.Body).toMatch(/Reply/);
  });

  it('may wait at Twilio no longer than it would wait here', async () => {
    await send(aDelivery({ first_due_at: new Date(Date.now() - 14 * 60_000).toISOString() }));
    expect(Number(twilio.given[0]!.ValidityPeriod)).toBeLessThanOrEqual(60);
    await send(aDelivery({ first_due_at: new Date(Date.now() - 60 * 60_000).toISOString() }));
    expect(twilio.given[1]!.ValidityPeriod).toBe('1');
  });

  it('asks for no reports when PUBLIC_URL is not set', async () => {
    await send(aDelivery(), { PUBLIC_URL: undefined });
    expect(twilio.given[0]).not.toHaveProperty('StatusCallback');
  });
});

describe('a WhatsApp message', () => {
  const whatsapp = () => aDelivery({ channel: 'whatsapp' });

  it('goes from and to numbers of WhatsApp', async () => {
    expect(await send(whatsapp())).toMatchObject({ outcome: 'sent' });
    expect(twilio.given[0]).toMatchObject({ To: 'whatsapp:+4915112345678', From: `whatsapp:${SMS_FROM}` });
    expect(twilio.given[0]).not.toHaveProperty('ValidityPeriod');
  });

  it('is the variable of a template when there is one', async () => {
    const TWILIO_WHATSAPP_CONTENT_SID = `HX${'b'.repeat(32)}`;
    await send(whatsapp(), { TWILIO_WHATSAPP_CONTENT_SID });
    const { ContentSid, ContentVariables, ...rest } = twilio.given[0]!;
    expect(ContentSid).toBe(TWILIO_WHATSAPP_CONTENT_SID);
    expect(JSON.parse(ContentVariables!)).toEqual({ 1: expect.stringMatching(/^URGENT.*"ack 12"/) as string });
    expect(rest).not.toHaveProperty('Body');
  });
});

describe('the answer of Twilio', () => {
  it.each([
    [21211, 'invalid_recipient'],
    [21408, 'rejected'],
    [21610, 'unsubscribed'],
    [21614, 'invalid_recipient'],
    [21617, 'rejected'],
    [63003, 'invalid_recipient'],
    [99999, 'rejected'],
  ])('400 with code %i fails the delivery as %s', async (code, reason) => {
    expect(await answering(twilioError(400, code, 'No.'))).toEqual({
      outcome: 'failed',
      reason,
      answer: `400 ${code} No.`,
    });
  });

  it.each([
    ['seconds', '7', 7_000],
    ['a date', new Date(Date.now() + 60_000).toUTCString(), 60_000],
  ])('429 is tried again after Retry-After in %s', async (_form, value, ms) => {
    const outcome = await answering(twilioError(429, 20429, 'Slow down', { 'Retry-After': value }));
    expect(outcome).toMatchObject({ outcome: 'retry', reason: 'rate_limited' });
    const { retry_after_ms } = outcome as { retry_after_ms: number };
    expect(Math.abs(retry_after_ms - ms)).toBeLessThan(2_000);
  });

  it.each<[string, Answering, SendOutcome]>([
    ['503', twilioError(503, 20503, 'Away'), { outcome: 'retry', reason: 'provider_error' }],
    ['a full queue', twilioError(400, 21611, 'Queue is full'), { outcome: 'retry', reason: 'rate_limited' }],
    ['500', twilioError(500, 20500, 'Oh'), { outcome: 'unknown', reason: 'provider_error' }],
    [
      '502 of a proxy',
      (_, response) => void response.writeHead(502).end('<html>'),
      { outcome: 'unknown', reason: 'provider_error' },
    ],
    [
      'a redirect',
      (_, response) => void response.writeHead(307, { Location: '/other' }).end(),
      { outcome: 'retry', reason: 'redirected' },
    ],
    [
      '400 without JSON',
      (_, response) => void response.writeHead(400).end('<html>'),
      { outcome: 'failed', reason: 'rejected' },
    ],
  ])('%s ends the attempt as it must, in one call', async (_name, answer, outcome) => {
    expect(await answering(answer)).toMatchObject(outcome);
    expect(twilio.given).toHaveLength(1);
  });

  it('401 and 404 are the fault of our settings and not of the message', async () => {
    expect(await send(aDelivery(), { TWILIO_AUTH_TOKEN: 'another-token-altogether' })).toMatchObject({
      outcome: 'retry',
      reason: 'unauthorized',
    });
    expect(await send(aDelivery(), { TWILIO_ACCOUNT_SID: `AC${'1'.repeat(32)}` })).toMatchObject({
      outcome: 'retry',
      reason: 'unauthorized',
    });
    expect(twilio.given).toEqual([]);
  });

  it('of 201 counts although its body is endless or breaks off', async () => {
    const endless: Answering = (_request, response) => {
      response.writeHead(201);
      const more = () => void (response.destroyed || (response.write(Buffer.alloc(65_536, 32)), setImmediate(more)));
      more();
    };
    expect(await answering(endless)).toEqual({ outcome: 'sent', answer: '201' });
    expect(
      await answering((_request, response) => {
        response.writeHead(201, { 'Content-Length': '1000' });
        response.write('{"sid":', () => response.destroy());
      }),
    ).toEqual({ outcome: 'sent', answer: '201' });
  });

  it('with more header than 16 KiB leaves the outcome unknown', async () => {
    const flood = Object.fromEntries(Array.from({ length: 40 }, (_, index) => [`X-${index}`, 'x'.repeat(1_000)]));
    expect(await answering((_request, response) => void response.writeHead(201, flood).end())).toMatchObject({
      outcome: 'unknown',
      reason: 'answer_too_large',
    });
  });
});

describe('a connection', () => {
  it('that is refused is tried again: nothing was written', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    await new Promise((resolve) => server.close(resolve));
    expect(await send(aDelivery(), { TWILIO_API_URL: `http://127.0.0.1:${port}` })).toMatchObject({
      outcome: 'retry',
      reason: 'connection_failed',
      answer: 'ECONNREFUSED',
    });
  });

  it('to a host without a name is tried again', async () => {
    // no name server is asked for a part of 64 characters: one that is silent would take longer than the attempt
    expect(await send(aDelivery(), { TWILIO_API_URL: `http://${'x'.repeat(64)}.invalid` })).toMatchObject({
      outcome: 'retry',
      reason: 'connection_failed',
    });
  });

  it('that breaks after the message was written leaves the outcome unknown', async () => {
    expect(await answering((request) => void request.socket.destroy())).toMatchObject({
      outcome: 'unknown',
      reason: 'connection_lost',
    });
    expect(twilio.given).toHaveLength(1);
  });

  it('that falls silent leaves the outcome unknown once the attempt is given up', async () => {
    const giveUp = new AbortController();
    twilio.answers = [() => giveUp.abort()];
    expect(await send(aDelivery(), { signal: giveUp.signal })).toMatchObject({ outcome: 'unknown', reason: 'timeout' });
    expect(twilio.given).toHaveLength(1);
  });

  it('that falls silent in the middle of TLS is tried again: nothing was written', async () => {
    const sockets: Socket[] = [];
    const giveUp = new AbortController();
    const server = createServer((socket) => {
      sockets.push(socket.on('error', () => undefined));
      socket.once('data', () => giveUp.abort());
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const TWILIO_API_URL = `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
    try {
      expect(await send(aDelivery(), { TWILIO_API_URL, signal: giveUp.signal })).toMatchObject({
        outcome: 'retry',
        reason: 'timeout',
      });
    } finally {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    }
  });
});

it('the settings make SMS, WhatsApp, both or none', () => {
  const made = (more: object) => twilioChannels({ ...options, ...more }).map(({ channel }) => channel);
  const from = { TWILIO_SMS_FROM: SMS_FROM, TWILIO_WHATSAPP_FROM: SMS_FROM };
  expect([made({}), made(from), made({ ...from, TWILIO_AUTH_TOKEN: undefined })]).toEqual([
    [],
    ['sms', 'whatsapp'],
    [],
  ]);
});
