import { webcrypto } from 'node:crypto';
import { AlertsApi } from '../alerts/alerts-api';
import { Credential } from '../stream/credential';
import { ScriptedFetch } from '../testing/scripted-fetch';
import { renewPush } from './push-api';
import { onPushClick } from './push-click';

const KEY = 'BAAA';
const ENDPOINT = 'https://push.example/of-this-browser';

/** A browser in which the user has allowed notifications, perhaps with a subscription. */
function aBrowser({ subscribed = true } = {}) {
  const listeners = new Set<(event: object) => void>();
  const subscription = {
    endpoint: ENDPOINT,
    options: { applicationServerKey: Uint8Array.from([4, 0, 0]).buffer },
    toJSON: () => ({ endpoint: ENDPOINT, keys: { p256dh: 'p', auth: 'a' } }),
  };
  const registration = {
    active: {},
    pushManager: { getSubscription: async () => (subscribed ? subscription : null) },
  };
  const serviceWorker = {
    getRegistration: async () => registration,
    register: async () => registration,
    addEventListener: (_: string, listener: (event: object) => void) => listeners.add(listener),
    removeEventListener: (_: string, listener: (event: object) => void) => listeners.delete(listener),
  };
  const globals = {
    navigator: { serviceWorker },
    PushManager: class {},
    Notification: { permission: 'granted', requestPermission: async () => 'granted' },
    crypto: webcrypto,
  };
  for (const [name, value] of Object.entries(globals))
    Object.defineProperty(globalThis, name, { value, configurable: true, writable: true });
  return { say: (event: object) => listeners.forEach((listener) => listener({ ports: [], ...event })) };
}

function anApi(browsers: string[]) {
  const server = new ScriptedFetch();
  const state = { public_key: KEY, browsers: browsers.map((browser_id) => ({ browser_id, tenants: [] })) };
  server.answers = Array.from({ length: 3 }, () => Response.json(state));
  const api = new AlertsApi('/api/v1', new Credential({ token: 'a.b.c' }), server.fetch);
  return { api, asked: () => server.asked.map(({ method, url, body }) => [method, url, body]) };
}
const idOf = async (endpoint: string) =>
  Buffer.from(await webcrypto.subtle.digest('SHA-256', Buffer.from(endpoint))).toString('hex');

test("opening the page renews the user's own subscription", async () => {
  aBrowser();
  const { api, asked } = anApi([await idOf(ENDPOINT)]);
  await renewPush(api);
  expect(asked().at(-1)).toEqual(['PUT', '/api/v1/push', { endpoint: ENDPOINT, p256dh: 'p', auth: 'a' }]);
});

test("opening the page does not take over another user's subscription", async () => {
  aBrowser();
  const { api, asked } = anApi([]);
  await renewPush(api);
  expect(asked()).toEqual([['GET', '/api/v1/push', undefined]]);
});

test('without a subscription the server is not asked', async () => {
  aBrowser({ subscribed: false });
  const { api, asked } = anApi([]);
  await renewPush(api);
  expect(asked()).toEqual([]);
});

test('a click reaches the page until it stops listening, and the worker is answered', () => {
  const browser = aBrowser();
  const [clicks, answer] = [jest.fn(), jest.fn()];
  const stop = onPushClick(clicks);
  browser.say({ data: { type: 'another', alert_id: 'a0' } });
  browser.say({ data: null });
  const click = { data: { type: 'tocsin:open-alert', alert_id: 'a1', tenant_id: 'bakery' } };
  browser.say({ ...click, ports: [{ postMessage: answer }] });
  stop();
  browser.say(click);
  expect(clicks.mock.calls).toEqual([[{ alertId: 'a1', tenantId: 'bakery' }]]);
  expect(answer).toHaveBeenCalledTimes(1);
});
