import 'reflect-metadata';
import { Module } from '@nestjs/common';
import { APP_FILTER, NestFactory } from '@nestjs/core';
import type { NestExpressApplication } from '@nestjs/platform-express';
import { createHmac, randomUUID } from 'node:crypto';
import type { AddressInfo } from 'node:net';
import {
  AlertActs,
  AnnounceEntries,
  bind,
  PhoneDeliveries,
  type ActReach,
  type ActResult,
  type AttemptedAct,
  type ProviderReport,
  type TextedAlert,
} from '@tocsin/contracts/ports';
import { aTenant } from '@tocsin/contracts/testing';
import type { Alert } from '@tocsin/contracts';
import { Log, Metrics, ObservabilityModule, observabilitySettings } from '@tocsin/observability';
import { readSettings } from '@tocsin/settings';
import { prepareHttp } from '../http-server';
import { provideRequestCheck } from '../request/before-request';
import { ProblemFilter } from '../problems/problem.filter';
import { AnswerReply } from './answer-reply';
import { TwilioCallbacks } from './twilio-callbacks';
import { TwilioController } from './twilio.controller';

const AUTH_TOKEN = 'the-token-of-these-tests';
const ACCOUNT = `AC${'0'.repeat(32)}`;
const PUBLIC_URL = 'https://alerts.example.com';
const PHONE = '+4915112345678';
const DELIVERY = randomUUID();
const STATUS = `/api/v1/providers/twilio/status?tenant=bakery&delivery=${DELIVERY}`;
const INBOUND = '/api/v1/providers/twilio/inbound';
const [bakery, cafe] = [aTenant('bakery'), aTenant('cafe')];

let reports: ProviderReport[];
let told: TextedAlert[];
let acts: { reach: ActReach; ids: readonly string[]; act: AttemptedAct }[];
let result: ActResult;
let announced: unknown[];

const observability = ObservabilityModule.forRoot({
  app: 'test',
  version: '1',
  settings: readSettings(observabilitySettings({ ADMIN_PORT: 0 }), { LOG_LEVEL: 'fatal' }),
});
const settings = { TWILIO_ACCOUNT_SID: ACCOUNT, TWILIO_AUTH_TOKEN: AUTH_TOKEN, PUBLIC_URL, TRUSTED_PROXIES: 1 };

async function started(callbacks: TwilioCallbacks): Promise<{ app: NestExpressApplication; url: string }> {
  @Module({
    imports: [observability],
    controllers: [TwilioController],
    providers: [
      provideRequestCheck(),
      { provide: TwilioCallbacks, useValue: callbacks },
      {
        provide: PhoneDeliveries,
        useValue: {
          report: async (report: ProviderReport) => reports.push(report) > 0,
          toldBy: async (phone: string, seq: number) => (phone === PHONE && seq === 12 ? told : []),
        },
      },
      {
        provide: AlertActs,
        useValue: {
          act: async (reach: ActReach, ids: readonly string[], act: AttemptedAct) => {
            acts.push({ reach, ids, act });
            return [result];
          },
        },
      },
      { provide: AnnounceEntries, useValue: { announce: async (events: unknown[]) => void announced.push(...events) } },
      bind(AnswerReply, AnswerReply, PhoneDeliveries, AlertActs, AnnounceEntries),
      { ...bind(ProblemFilter, ProblemFilter, Metrics, Log), provide: APP_FILTER },
    ],
  })
  class Door {}
  const app = await NestFactory.create<NestExpressApplication>(Door, {
    logger: false,
    bodyParser: false,
    forceCloseConnections: true,
  });
  prepareHttp(app, { CORS_ORIGINS: [], BODIES_BYTES: 33_554_432 });
  await app.listen(0, '127.0.0.1');
  return { app, url: `http://127.0.0.1:${(app.getHttpServer().address() as AddressInfo).port}` };
}

let app: NestExpressApplication;
let url: string;
beforeAll(async () => void ({ app, url } = await started(new TwilioCallbacks(settings))));
afterAll(() => app?.close());
beforeEach(() => {
  [reports, acts, announced] = [[], [], []];
  told = [
    { tenant_id: bakery, alert_id: 'alert-1', title: 'Flour is <low> & "rare"', status: 'firing', rung_again: null },
  ];
  result = { outcome: 'acted', alert: {} as Alert, event: { seq: 13 } as never };
  from = `192.0.2.${(callers += 1)}`;
});
/** Each test calls from its own address, because forged callbacks are counted by address. */
let callers = 0;
let from: string;

/** Signs as Twilio does: the address, then the fields in the order of their names. */
const signatureOf = (form: Record<string, string>, path: string, { base = PUBLIC_URL, key = AUTH_TOKEN } = {}) =>
  createHmac('sha1', key)
    .update(
      base +
        path +
        Object.keys(form)
          .sort()
          .map((name) => name + form[name]!)
          .join(''),
    )
    .digest('base64');

async function call(
  path: string,
  form: Record<string, string>,
  {
    signature = signatureOf({ AccountSid: ACCOUNT, ...form }, path) as string | null,
    method = 'POST',
    body = new URLSearchParams({ AccountSid: ACCOUNT, ...form }).toString(),
    at = url,
  } = {},
) {
  const response = await fetch(at + path, {
    method,
    headers: {
      'Content-Type': 'application/x-www-form-urlencoded',
      'X-Forwarded-For': from,
      ...(signature !== null && { 'X-Twilio-Signature': signature }),
    },
    ...(method !== 'GET' && { body }),
  });
  const text = await response.text();
  const isProblem = response.headers.get('Content-Type')?.startsWith('application/problem+json');
  return { status: response.status, text, code: isProblem ? (JSON.parse(text) as { code: string }).code : undefined };
}
const report = (MessageStatus: string, more: Record<string, string> = {}, options = {}) =>
  call(STATUS, { MessageSid: 'SM1', MessageStatus, ...more }, options);
const reply = async (Body: string, more: Record<string, string> = {}) =>
  (await call(INBOUND, { From: PHONE, Body, ...more })).text.replace(/^<\?xml[^>]*\?>/, '');
const messageIn = (twiml: string) => /<Message>(.*)<\/Message>/.exec(twiml)?.[1];

describe('a report', () => {
  it('is recorded with the delivery that its address names', async () => {
    expect(await report('delivered')).toMatchObject({ status: 204 });
    expect(reports).toEqual([
      {
        tenant_id: 'bakery',
        delivery_id: DELIVERY,
        provider_id: 'SM1',
        status: 'delivered',
        reason: null,
        code: null,
      },
    ]);
  });

  it.each([
    ['undelivered', '30005', 'invalid_recipient'],
    ['undelivered', '30007', 'rejected'],
    ['failed', '21610', 'unsubscribed'],
    ['failed', '', 'provider_error'],
  ])('%s with code %s has the reason %s', async (status, ErrorCode, reason) => {
    await report(status, { ErrorCode });
    expect(reports).toEqual([
      expect.objectContaining({ status: 'undelivered', reason, code: ErrorCode || null }) as never,
    ]);
  });

  it.each(['queued', 'sending', 'accepted', 'toString', ''])('%j says nothing new', async (status) => {
    expect(await report(status)).toMatchObject({ status: 204 });
    expect(reports).toEqual([]);
  });

  it('about no delivery is ignored', async () => {
    const path = '/api/v1/providers/twilio/status?tenant=bakery&delivery=1';
    expect(await call(path, { MessageStatus: 'sent' })).toMatchObject({ status: 204 });
    expect(reports).toEqual([]);
  });
});

describe('a signature', () => {
  const refused = { status: 403, code: 'invalid_signature' };

  it.each([
    ['is missing', null],
    ['is another text', 'AAAA'],
    [
      'is made with another key',
      signatureOf({ AccountSid: ACCOUNT, MessageSid: 'SM1', MessageStatus: 'sent' }, STATUS, { key: 'other' }),
    ],
    [
      'is of another address',
      signatureOf({ AccountSid: ACCOUNT, MessageSid: 'SM1', MessageStatus: 'sent' }, STATUS, {
        base: 'https://other.example',
      }),
    ],
    [
      'is of another port',
      signatureOf({ AccountSid: ACCOUNT, MessageSid: 'SM1', MessageStatus: 'sent' }, STATUS, {
        base: `${PUBLIC_URL}:8443`,
      }),
    ],
    [
      'is of another query',
      signatureOf({ AccountSid: ACCOUNT, MessageSid: 'SM1', MessageStatus: 'sent' }, STATUS.replace('bakery', 'cafe')),
    ],
    ['is of another form', signatureOf({ AccountSid: ACCOUNT, MessageSid: 'SM1', MessageStatus: 'failed' }, STATUS)],
  ])('that %s is refused, and nothing changes', async (_name, signature) => {
    expect(await report('sent', {}, { signature })).toMatchObject(refused);
    expect(reports).toEqual([]);
  });

  it('may be of the address with the default port', async () => {
    const form = { AccountSid: ACCOUNT, MessageSid: 'SM1', MessageStatus: 'sent' };
    expect(
      await report('sent', {}, { signature: signatureOf(form, STATUS, { base: `${PUBLIC_URL}:443` }) }),
    ).toMatchObject({ status: 204 });
  });

  it('does not cover a field that stands twice', async () => {
    const form = { AccountSid: ACCOUNT, From: PHONE, Body: 'ack 12' };
    const body = `${new URLSearchParams(form).toString()}&From=%2B4930999999`;
    const signature = signatureOf({ ...form, From: '+4930999999' }, INBOUND);
    expect(await call(INBOUND, form, { body, signature })).toMatchObject(refused);
    expect(acts).toEqual([]);
  });

  it('of another account is refused', async () => {
    const AccountSid = `AC${'1'.repeat(32)}`;
    const form = { AccountSid, MessageSid: 'SM1', MessageStatus: 'sent' };
    expect(await call(STATUS, form, { signature: signatureOf(form, STATUS) })).toMatchObject(refused);
  });

  it('that is forged too often has its address refused unread, and no other address', async () => {
    for (let forged = 0; forged < 20; forged += 1)
      expect(await report('sent', {}, { signature: forged % 2 === 0 ? null : 'x' })).toMatchObject(refused);
    expect(await report('sent')).toMatchObject({ status: 429, code: 'rate_limited' });
    from = '198.51.100.1';
    expect(await report('sent')).toMatchObject({ status: 204 });
  });

  it('is asked for only where Twilio is configured', async () => {
    const other = await started(new TwilioCallbacks({ TRUSTED_PROXIES: 0 }));
    try {
      expect(await report('sent', {}, { at: other.url })).toMatchObject({ status: 404, code: 'not_found' });
    } finally {
      await other.app.close();
    }
  });

  it('of a body beyond 32 KiB is not checked', async () => {
    expect(await report('sent', { ErrorMessage: 'x'.repeat(40_000) })).toMatchObject({ status: 413 });
  });

  it('is for POST alone', async () => {
    expect(await call(STATUS, {}, { method: 'GET' })).toMatchObject({ status: 405 });
  });
});

describe('a reply', () => {
  it.each(['ack 12', 'ACK 12', 'Ack12', ' ack  #12. ', 'ack: 12!', 'acknowledge 12', '"ack 12"'])(
    '%j acknowledges the alert as its phone',
    async (text) => {
      expect(messageIn(await reply(text))).toBe('Acknowledged: Flour is &lt;low&gt; &amp; "rare" (bakery).');
      expect(acts).toEqual([
        {
          reach: { tenants: ['bakery'], acting: ['bakery'] },
          ids: ['alert-1'],
          act: { act: 'acknowledge', by: `sms:${PHONE}`, until: null, assignee: null, note: null, trace_id: null },
        },
      ]);
      expect(announced).toEqual([{ seq: 13 }]);
    },
  );

  it('over WhatsApp is on record as such', async () => {
    await reply('ack 12', { From: `whatsapp:${PHONE}` });
    expect(acts[0]!.act.by).toBe(`whatsapp:${PHONE}`);
  });

  it.each(['hello', 'STOP', 'back 12', 'ok', '', 'I am on holiday until Monday'])(
    '%j gets no answer and does nothing: a machine may have sent it',
    async (text) => {
      expect(await reply(text)).toBe('<Response></Response>');
      expect(acts).toEqual([]);
    },
  );

  it.each(['ack', 'ack twelve', `ack ${'9'.repeat(40)}`])('%j is told how to reply', async (text) => {
    expect(messageIn(await reply(text))).toMatch(/^Reply "ack" and the number/);
    expect(acts).toEqual([]);
  });

  it('that Twilio itself has answered (STOP, HELP) gets no second answer', async () => {
    expect(await reply('ack 12', { OptOutType: 'HELP' })).toBe('<Response></Response>');
    expect(acts).toEqual([]);
  });

  it('about an alert that was not sent to this phone says so and does nothing', async () => {
    expect(messageIn(await reply('ack 13'))).toBe('No alert 13 was sent to this phone within 7 days.');
    expect(messageIn(await reply('ack 12', { From: '+4930111111' }))).toMatch(/^No alert 12/);
    expect(acts).toEqual([]);
  });

  it('of a number that two tenants have sent acknowledges the newest, and names the other one', async () => {
    told.push({ tenant_id: cafe, alert_id: 'alert-2', title: 'The oven is cold', status: 'firing', rung_again: null });
    expect(messageIn(await reply('ack 12'))).toBe(
      'Acknowledged: Flour is &lt;low&gt; &amp; "rare" (bakery). Alert 12 of cafe: reply "ack 12 cafe".',
    );
    expect(acts[0]!.ids).toEqual(['alert-1']);
  });

  it('to a message that is out of date acknowledges nothing: the alert has rung again since', async () => {
    told[0] = { ...told[0]!, rung_again: 40 };
    expect(messageIn(await reply('ack 12'))).toMatch(/^Not acknowledged, it has rung again since: .*Reply "ack 40"/);
    expect(acts).toEqual([]);
  });

  it('that names a tenant acknowledges its alert', async () => {
    told.push({ tenant_id: cafe, alert_id: 'alert-2', title: 'The oven is cold', status: 'firing', rung_again: null });
    expect(messageIn(await reply('Ack 12 Cafe.'))).toMatch(/^Acknowledged: The oven is cold \(cafe\)\./);
    expect(acts.map(({ ids }) => ids)).toEqual([['alert-2']]);
    expect(messageIn(await reply('ack 12 diner'))).toBe('No alert 12 of diner was sent to this phone within 7 days.');
  });

  it.each<[string, ActResult, RegExp]>([
    ['again', { outcome: 'unchanged', alert: {} as Alert }, /^You have acknowledged it already: /],
    [
      'after another user',
      { outcome: 'conflict', alert: { status: 'acknowledged', actor: 'ana' } as Alert },
      /^Not acknowledged, ana has acknowledged it: /,
    ],
    [
      'after its end',
      { outcome: 'conflict', alert: { status: 'resolved', actor: null } as Alert },
      /^Not acknowledged, it is resolved: /,
    ],
    ['after it was deleted', { outcome: 'not_found' }, /^Not acknowledged, it no longer exists: /],
  ])('%s says what is so', async (_name, now, answer) => {
    result = now;
    expect(messageIn(await reply('ack 12'))).toMatch(answer);
    expect(announced).toEqual([]);
  });
});
