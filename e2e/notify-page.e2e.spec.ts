import { simpleParser } from 'mailparser';
import { eventually } from '@tocsin/contracts/testing';
import type { Delivery } from '@tocsin/contracts/wire';
import { DeliveryPeers } from './kit/delivery-peers';
import { commandsOf, runCommands, textOf } from './kit/document-commands';
import { freePort } from './kit/free-port';
import { ask } from './kit/http';
import { Stack } from './kit/stack';
import { JWT_SECRET, tokenFor } from './kit/tokens';

const USER = 'ana@example.test';
const ALERT = '[URGENT] Flour is low · inventory';

describe('docs/notify.md, on stand-ins of every provider', () => {
  let peers: DeliveryPeers;
  let stack: Stack;
  let publicUrl: string;
  let browser: ReturnType<DeliveryPeers['push']['subscribe']>;

  beforeAll(async () => {
    peers = await DeliveryPeers.open();
    const port = await freePort();
    publicUrl = `http://127.0.0.1:${port}`;
    stack = await Stack.open({
      tenants: { [USER]: [{ id: 'north-bakery', role: 'owner' }] },
      gatewayEnvironment: { PORT: String(port), ...peers.gatewayEnvironment(publicUrl) },
    });
    await stack.startNotifier(peers.notifierEnvironment(publicUrl));
    browser = peers.push.subscribe();
    await call('PUT', '/api/v1/push', browser.keys);
    // the stand-in of Slack has another host, so its format does not follow from it
    await call('POST', '/api/v1/webhooks', { tenant_id: 'north-bakery', url: hook('/slack'), format: 'slack' });
  }, 120_000);
  afterAll(async () => {
    await stack?.close();
    await peers?.close();
  });

  const hook = (path: string) => new URL(path, peers.webhooks.url).href;
  async function call<T>(method: string, path: string, body?: object): Promise<T> {
    const { status, text } = await ask(stack.gateway.url, path, {
      method,
      headers: {
        Authorization: `Bearer ${tokenFor(USER, { scope: 'alerts:read alerts:write' })}`,
        ...(body && { 'Content-Type': 'application/json' }),
      },
      ...(body && { body: JSON.stringify(body) }),
    });
    if (status >= 300) throw new Error(`${method} ${path}: ${status} ${text}`);
    return (text === '' ? undefined : JSON.parse(text)) as T;
  }
  const titleIn = (body: string) => body.includes('Flour is low');

  it('leads from nothing to a mail, an SMS, a webhook, a post in Slack and a push message', async () => {
    const blocks = commandsOf('notify');
    expect(blocks).toHaveLength(textOf('notify').split('```sh').length - 1);
    const commands = blocks
      .map((block) => block.commands)
      .join('\n')
      .replaceAll('http://localhost:8000', stack.gateway.url)
      .replaceAll('https://hooks.example.com/alerts', hook('/alerts'))
      .replaceAll(/https:\/\/hooks\.slack\.com[^"]*/g, hook('/slack'));
    await runCommands(commands, { JWT_SECRET, TOCSIN_URL: stack.gateway.url });

    const all = await eventually(async () => {
      const { deliveries } = await call<{ deliveries: Delivery[] }>('GET', '/api/v1/deliveries?tenant=north-bakery');
      // three of the notification, the test of the webhook, and five of the alert
      expect(deliveries.filter(({ alert_id }) => alert_id !== null)).toHaveLength(5);
      expect(deliveries.map(({ status, reason }) => [status, reason])).toEqual(deliveries.map(() => ['sent', null]));
      return deliveries;
    }, 30_000);
    expect(all.filter(({ notification_id }) => notification_id !== null).length).toBeGreaterThanOrEqual(3);

    const subjects = await Promise.all(peers.smtp.accepted.map(async (mail) => (await simpleParser(mail)).subject));
    expect(subjects.sort()).toEqual(['[MEDIUM] This is a test', ALERT]);
    expect(peers.twilio.given.map(({ Body }) => Body!.split(/[.\n]/)[0])).toHaveLength(2);
    expect(browser.pushed).toHaveLength(2);
    const posts = peers.webhooks.received.map(({ path, body }) => [path, titleIn(body)]);
    expect(posts).toEqual(
      expect.arrayContaining([
        ['/alerts', true],
        ['/slack', true],
        ['/alerts', false],
      ]),
    );
    expect(JSON.parse(peers.webhooks.received.find(({ path }) => path === '/slack')!.body)).toHaveProperty('blocks');
  }, 120_000);

  it('names only settings that there are, and all that these channels need', () => {
    const [, settings] = /```ini\n([^]*?)\n```/.exec(textOf('notify'))!;
    const named = [...settings!.matchAll(/^([A-Z_]+)=/gm)].map(([, name]) => name!);
    const given = peers.notifierEnvironment(publicUrl);
    expect(named.filter((name) => !Object.hasOwn(given, name))).toEqual([]);
    // the rest belongs to the stand-ins, or to WhatsApp
    expect(
      Object.keys(given)
        .filter((name) => !named.includes(name))
        .sort(),
    ).toEqual(['NODE_EXTRA_CA_CERTS', 'TWILIO_API_URL', 'TWILIO_WHATSAPP_FROM', 'WEBHOOK_ALLOW_PRIVATE']);
  });
});
