import { getPriority } from 'node:os';
import { simpleParser } from 'mailparser';
import { Webhook } from 'standardwebhooks';
import type { Delivery, Notification, NotificationDetail } from '@tocsin/contracts/wire';
import { eventually } from '@tocsin/contracts/testing';
import { DeliveryPeers, SMS_FROM } from './kit/delivery-peers';
import { freePort } from './kit/free-port';
import { ask, type Answer } from './kit/http';
import { Stack } from './kit/stack';
import { tokenFor } from './kit/tokens';

const MAIL = 'ana@example.com';
const PHONE = '+4915112345678';
const INBOUND = '/api/v1/providers/twilio/inbound';
/** The channels of this test, in the order of their names. */
const CHANNELS = ['email', 'push', 'sms', 'webhook', 'whatsapp'] as const;
/** Within this time of an acknowledgement nothing is pending any more. */
const CANCELLED_WITHIN_MS = 1_000;

let peers: DeliveryPeers;
let stack: Stack;

beforeAll(async () => {
  peers = await DeliveryPeers.open();
  // links and the signatures of Twilio hold the address of the gateway, so it must be known before the start
  const port = await freePort();
  const publicUrl = `http://127.0.0.1:${port}`;
  stack = await Stack.open({
    tenants: { ana: ['bakery'] },
    gatewayEnvironment: { PORT: String(port), ...peers.gatewayEnvironment(publicUrl) },
  });
  await stack.startNotifier(peers.notifierEnvironment(publicUrl));
}, 120_000);
afterAll(async () => {
  await stack?.close();
  await peers?.close();
});

async function call<T>(method: string, path: string, body?: object): Promise<T> {
  const { status, text } = await ask(stack.gateway.url, path, {
    method,
    headers: {
      Authorization: `Bearer ${tokenFor('ana', { scope: 'alerts:read alerts:write events:publish' })}`,
      ...(body && { 'Content-Type': 'application/json' }),
    },
    ...(body && { body: JSON.stringify(body) }),
  });
  if (status >= 300) throw new Error(`${method} ${path}: ${status} ${text}`);
  return JSON.parse(text) as T;
}

const byChannel = (one: Delivery, two: Delivery) => (one.channel < two.channel ? -1 : 1);
const deliveriesOf = async (alertId: string): Promise<Delivery[]> =>
  (await call<{ deliveries: Delivery[] }>('GET', `/api/v1/alerts/${alertId}/deliveries`)).deliveries.sort(byChannel);
const statusesOf = async (alertId: string) =>
  (await deliveriesOf(alertId)).map(({ channel, status, attempts }) => [channel, status, attempts.length]);

async function publish(severity: string, title: string): Promise<{ alert_id: string; seq: number }> {
  await stack.amqp.publish(`alert.${severity}.inventory`, { tenant_id: 'bakery', id: title, title, message: '2 kg' });
  return eventually(async () => {
    const [raised] = await stack.sql<{ alert_id: string; seq: number }>(
      `select alert_id, seq::int as seq from tocsin.event where title = $1 and change = 'raised'`,
      [title],
    );
    if (!raised) throw new Error('The alert is not stored yet.');
    return raised;
  });
}

const lastActor = async (alertId: string) =>
  (
    await stack.sql<{ change: string; actor: string }>(
      'select change, actor from tocsin.event where alert_id = $1 order by seq desc limit 1',
      [alertId],
    )
  )[0];

/** Resolves once the webhook of the alert waits for its next attempt. */
const waitsToRetry = (alertId: string) =>
  eventually(async () => {
    const webhook = (await deliveriesOf(alertId)).find(({ channel }) => channel === 'webhook');
    expect([webhook?.status, webhook?.attempts.map(({ outcome }) => outcome)]).toEqual(['pending', ['retry']]);
  });

async function expectCancelled(alertId: string, acknowledge: () => Promise<unknown>): Promise<void> {
  await acknowledge();
  const acknowledgedAt = performance.now();
  await eventually(async () => {
    const webhook = (await deliveriesOf(alertId)).find(({ channel }) => channel === 'webhook');
    expect([webhook?.status, webhook?.due_at]).toEqual(['cancelled', null]);
  });
  expect(performance.now() - acknowledgedAt).toBeLessThan(CANCELLED_WITHIN_MS);
}

const reply = (text: string, forge = ''): Promise<Answer> => {
  const { body, signature } = peers.reply(stack.gateway.url + INBOUND, PHONE, text);
  return ask(stack.gateway.url, INBOUND, {
    method: 'POST',
    headers: { 'Content-Type': 'application/x-www-form-urlencoded', 'X-Twilio-Signature': forge || signature },
    body,
  });
};

describe('an urgent alert', () => {
  let alert: { alert_id: string; seq: number };
  let browser: ReturnType<DeliveryPeers['push']['subscribe']>;
  let secret: string;

  beforeAll(async () => {
    browser = peers.push.subscribe();
    await call('PUT', '/api/v1/push', browser.keys);
    const { endpoint_id } = await call<{ endpoint_id: string }>('POST', '/api/v1/webhooks', {
      tenant_id: 'bakery',
      url: peers.webhooks.url,
    });
    ({ secret } = await call<{ secret: string }>('GET', `/api/v1/webhooks/${endpoint_id}/secret`));
    await call('PUT', '/api/v1/recipients?tenant=bakery', {
      recipients: {
        urgent: {
          email: [MAIL],
          sms: [PHONE],
          whatsapp: [PHONE],
          webhook: [peers.webhooks.url],
          push: ['user:ana'],
        },
        high: { sms: [PHONE], webhook: [peers.awayUrl] },
      },
    });
    alert = await publish('urgent', 'Flour is running low');
    await eventually(async () =>
      expect(await statusesOf(alert.alert_id)).toEqual(CHANNELS.map((channel) => [channel, 'sent', 1])),
    );
  }, 60_000);

  it('is one mail, in one conversation with the mail server', async () => {
    const said = peers.smtp.transcript.filter((line) => line.startsWith('C: ')).map((line) => line.slice(3));
    const [from, to] = [/^MAIL FROM:<alerts@example\.com>/, new RegExp(`^RCPT TO:<${MAIL}>`)];
    expect(said.slice(0, 4)).toEqual([
      expect.stringMatching(/^EHLO /),
      expect.stringMatching(from),
      expect.stringMatching(to),
      'DATA',
    ]);
    expect([peers.smtp.count('MAIL FROM'), peers.smtp.count('DATA'), peers.smtp.accepted.length]).toEqual([1, 1, 1]);
    const mail = await simpleParser(peers.smtp.accepted[0]!);
    const id = (await deliveriesOf(alert.alert_id))[0]!.delivery_id;
    expect(mail).toMatchObject({
      subject: '[URGENT] Flour is running low · inventory',
      messageId: `<${id}@example.com>`,
      references: `<alert-${alert.alert_id}@example.com>`,
      from: { text: expect.stringContaining('alerts@example.com') as string },
      to: { text: MAIL },
    });
    for (const part of [mail.text, mail.html]) expect(part).toContain(`${stack.gateway.url}/a/`);
  });

  it('is one SMS and one WhatsApp message, signed in and in the form that Twilio takes', () => {
    expect(peers.twilio.given.map(({ To }) => To).sort()).toEqual([PHONE, `whatsapp:${PHONE}`]);
    expect(peers.twilio.given.find(({ To }) => To === PHONE)).toMatchObject({
      From: SMS_FROM,
      Body: expect.stringMatching(
        new RegExp(`^URGENT: Flour is running low .*Reply "ack ${alert.seq}" to acknowledge$`),
      ) as string,
      StatusCallback: expect.stringContaining(`${stack.gateway.url}/api/v1/providers/twilio/status?`) as string,
    });
  });

  it('is one webhook, which the library of the standard verifies', async () => {
    expect(peers.webhooks.received).toHaveLength(1);
    const [{ body, headers }] = peers.webhooks.received as [(typeof peers.webhooks.received)[0]];
    const { delivery_id } = (await deliveriesOf(alert.alert_id)).find(({ channel }) => channel === 'webhook')!;
    expect(headers['webhook-id']).toBe(delivery_id);
    expect(new Webhook(secret).verify(body, headers)).toMatchObject({
      type: 'alert.raised',
      delivery_id,
      data: { alert_id: alert.alert_id, seq: alert.seq, title: 'Flour is running low' },
    });
  });

  it('is one push message, which the browser decrypts', () => {
    expect(peers.push.faults).toEqual([]);
    expect(browser.pushed.map(({ payload }) => payload)).toMatchObject([
      { alert_id: alert.alert_id, seq: alert.seq, tenant_id: 'bakery', severity: 'urgent' },
    ]);
  });

  it('was sent by a process that gives way to those that store and stream alerts', () => {
    expect(getPriority(stack.notifiers[0]!.pid)).toBeGreaterThanOrEqual(10);
  });

  it('is counted once for each channel', async () => {
    const notifier = stack.notifiers[0]!;
    for (const channel of CHANNELS)
      for (const name of ['tocsin_deliveries_total', 'tocsin_delivery_attempts_total'])
        expect([channel, name, await notifier.metric(name, `channel="${channel}"`)]).toEqual([channel, name, 1]);
  });

  it('is acknowledged by the link of the mail: by its button, and not by a program that opens every link', async () => {
    const { text } = await simpleParser(peers.smtp.accepted[0]!);
    const [, path] = new RegExp(`${stack.gateway.url}(/a/\\S+)`).exec(text!)!;
    expect((await ask(stack.gateway.url, path!)).text).toContain('Acknowledge this alert?');
    expect(await lastActor(alert.alert_id)).toMatchObject({ change: 'raised' });
    expect(await ask(stack.gateway.url, path!, { method: 'POST' })).toMatchObject({
      status: 200,
      text: expect.stringContaining('Acknowledged') as string,
    });
    expect(await lastActor(alert.alert_id)).toEqual({ change: 'acknowledged', actor: `email:${MAIL}` });
  });
});

describe('an alert of which a delivery waits for its next attempt', () => {
  it('is acknowledged by a reply to the SMS, and the delivery is cancelled within a second', async () => {
    const { alert_id, seq } = await publish('high', 'The oven is cold');
    await waitsToRetry(alert_id);
    await eventually(() => expect(peers.twilio.given.at(-1)?.Body).toContain(`Reply "ack ${seq}"`));
    expect((await reply(`ack ${seq}`, 'forged')).status).toBe(403);
    expect(await lastActor(alert_id)).toMatchObject({ change: 'raised' });
    await expectCancelled(alert_id, async () =>
      expect(await reply(`ack ${seq}`)).toMatchObject({
        status: 200,
        text: expect.stringContaining('Acknowledged: The oven is cold') as string,
      }),
    );
    expect(await lastActor(alert_id)).toEqual({ change: 'acknowledged', actor: `sms:${PHONE}` });
  });

  it('is acknowledged over REST, and the delivery is cancelled within a second', async () => {
    const { alert_id } = await publish('high', 'The fridge is warm');
    await waitsToRetry(alert_id);
    await expectCancelled(alert_id, () => call('PATCH', `/api/v1/alerts/${alert_id}`, { act: 'acknowledge' }));
  });
});

describe('a notification', () => {
  const create = (title: string, at?: Date) =>
    call<Notification>('POST', '/api/v1/notifications', {
      tenant_id: 'bakery',
      title,
      recipients: [MAIL],
      channels: ['email'],
      ...(at && { at: at.toISOString() }),
    });
  const subjects = async () =>
    (await Promise.all(peers.smtp.accepted.map((mail) => simpleParser(mail)))).map(({ subject }) => subject);
  const inSeconds = (seconds: number) => new Date(Date.now() + seconds * 1_000);

  it('arrives now, or at its time and not before, and not when it is cancelled first', async () => {
    const due = inSeconds(6);
    const later = await create('Stock-taking later', due);
    const never = await create('Stock-taking never', inSeconds(5));
    const now = await create('Stock-taking now');
    expect(await call('DELETE', `/api/v1/notifications/${never.notification_id}`)).toMatchObject({
      status: 'cancelled',
      ended_by: 'ana',
    });
    await eventually(async () => expect(await subjects()).toContain('[MEDIUM] Stock-taking now'));
    const detail = ({ notification_id }: Notification) =>
      call<NotificationDetail>('GET', `/api/v1/notifications/${notification_id}`);
    await eventually(async () => {
      for (const sent of [now, later])
        expect(await detail(sent)).toMatchObject({
          status: 'done',
          deliveries: [{ channel: 'email', status: 'sent' }],
        });
    });
    const { deliveries } = await detail(later);
    expect(Date.parse(deliveries[0]!.attempts[0]!.begun_at)).toBeGreaterThanOrEqual(due.getTime());
    expect(await detail(never)).toMatchObject({ status: 'cancelled', deliveries: [] });
    expect((await subjects()).filter((subject) => subject?.includes('Stock-taking'))).toEqual([
      '[MEDIUM] Stock-taking now',
      '[MEDIUM] Stock-taking later',
    ]);
  });
});

it('nothing was sent twice, and no log holds a secret', async () => {
  const rows = await stack.sql<{ channel: string; sent: number }>(
    `select channel, count(*)::int as sent from tocsin.delivery where status = 'sent' group by channel order by channel`,
  );
  expect(rows).toEqual([
    { channel: 'email', sent: peers.smtp.received },
    { channel: 'push', sent: 1 },
    { channel: 'sms', sent: peers.twilio.given.filter(({ To }) => To === PHONE).length },
    { channel: 'webhook', sent: 1 },
    { channel: 'whatsapp', sent: 1 },
  ]);
  for (const secret of ['canary-', 'whsec_']) expect(stack.processes.output).not.toContain(secret);
});
