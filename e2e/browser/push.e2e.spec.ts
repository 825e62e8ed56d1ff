import { eventually } from '@tocsin/contracts/testing';
import type { PushKeys } from '@tocsin/contracts/wire';
import type { BrowserContext, CDPSession, Page, Worker } from 'playwright-core';
import { DeliveryPeers } from '../kit/delivery-peers';
import { freePort } from '../kit/free-port';
import { ask } from '../kit/http';
import { describeWith } from '../kit/programs';
import { Stack } from '../kit/stack';
import { tokenFor } from '../kit/tokens';
import { barriersIn, MAY_ACT, picture, Visits } from './dashboard-visits';

const ALLOWED = { permissions: ['notifications'] };
/** Signing out waits for the server at most this long, with the time that the page needs. */
const SIGNED_OUT_WITHIN_MS = 4_000;
const LATE_MS = 30_000;
/** How long a message is waited for before it is sent once more, in milliseconds. */
const ASKED_AGAIN_MS = 5_000;

/**
 * Chromium makes a subscription only at Google's own push service. In its place the page gets one of the stand-in's,
 * kept as the browser keeps its own. Everything else is the browser's: the permission, the service worker, the
 * notification.
 */
const subscribingTo = (keys: PushKeys) => `{
  const KEPT = 'subscription-of-the-stand-in';
  const keys = ${JSON.stringify(keys)};
  const subscription = (applicationServerKey) => ({
    endpoint: keys.endpoint,
    options: { applicationServerKey },
    toJSON: () => ({ endpoint: keys.endpoint, keys: { p256dh: keys.p256dh, auth: keys.auth } }),
    unsubscribe: async () => (localStorage.removeItem(KEPT), true),
  });
  PushManager.prototype.getSubscription = async () => {
    const kept = localStorage.getItem(KEPT);
    return kept && subscription(Uint8Array.from(JSON.parse(kept)).buffer);
  };
  PushManager.prototype.subscribe = async ({ applicationServerKey }) => {
    localStorage.setItem(KEPT, JSON.stringify([...applicationServerKey]));
    return subscription(applicationServerKey.buffer);
  };
}`;

describeWith('chromium', 'push messages of the page', () => {
  let peers: DeliveryPeers;
  let visits: Visits;
  let stack: Stack;
  beforeAll(async () => {
    [peers, visits] = await Promise.all([DeliveryPeers.open(), Visits.open('chromium')]);
    const port = await freePort();
    const publicUrl = `http://127.0.0.1:${port}`;
    stack = await Stack.open({
      tenants: { ana: ['bakery'] },
      gatewayEnvironment: { PORT: String(port), ...peers.gatewayEnvironment(publicUrl) },
    });
    await stack.startNotifier(peers.notifierEnvironment(publicUrl));
    const { status } = await ask(stack.gateway.url, '/api/v1/recipients?tenant=bakery', {
      method: 'PUT',
      headers: { Authorization: `Bearer ${tokenFor('ana', MAY_ACT)}`, 'Content-Type': 'application/json' },
      body: JSON.stringify({ recipients: { urgent: { push: ['user:ana'] } } }),
    });
    expect(status).toBe(200);
  }, 120_000);
  afterEach(() => visits.end());
  afterAll(async () => {
    await visits?.close();
    await stack?.close();
    await peers?.close();
  });

  const settingOf = async (page: Page) => {
    await page.getByRole('button', { name: /^Settings/ }).click();
    return page.getByTestId('push');
  };
  const becomes = (page: Page, status: string) =>
    page
      .getByTestId('push')
      .and(page.locator(`[data-status=${status}]`))
      .waitFor();
  const renewals = (endpoint: string) =>
    stack.sql<{ is_new: boolean }>(
      `select renewed_at > now() - interval '1 day' as is_new from tocsin.push_subscription where endpoint = $1`,
      [endpoint],
    );
  /** A page whose browser is subscribed. */
  async function subscribed() {
    const browser = peers.push.subscribe();
    const page = await visits.signedIn(stack.gateway.url, 'ana', { ...ALLOWED, before: subscribingTo(browser.keys) });
    const setting = await settingOf(page);
    await becomes(page, 'off');
    await setting.click();
    await becomes(page, 'on');
    await picture(page, 'push-on');
    await page.keyboard.press('Escape');
    expect(await renewals(browser.keys.endpoint)).toEqual([{ is_new: true }]);
    return { browser, page };
  }
  const signOut = async (page: Page) => {
    await settingOf(page);
    await page.getByRole('menuitem', { name: 'Sign out' }).click();
    await page.getByRole('textbox', { name: 'Token' }).waitFor();
  };
  async function pushed(browser: Awaited<ReturnType<typeof subscribed>>['browser'], title: string) {
    await stack.amqp.publish('alert.urgent.inventory', { tenant_id: 'bakery', id: title, title, message: '2 kg left' });
    return eventually(() => {
      const { payload } = browser.pushed.find(({ payload: { title: said } }) => said.includes(title))!;
      return payload;
    });
  }

  it('are turned on in the settings, arrive with the page closed, and a click opens the alert', async () => {
    const { browser, page } = await subscribed();
    const service = await serviceOf(page.context());
    await page.close();
    const payload = await pushed(browser, 'Flour is low');
    await service.deliver(payload);
    const worker = page.context().serviceWorkers()[0]!;
    expect(await shownBy(worker)).toEqual([
      { title: '[URGENT] Flour is low · inventory', body: '2 kg left', tag: payload.alert_id },
    ]);
    const address = await clickedIn(worker);
    expect(address).toBe(`${stack.gateway.url}/?alert=${payload.alert_id}`);
    const opened = await page.context().newPage();
    await opened.goto(address!);
    // a new tab has no token of its own
    await opened.getByRole('textbox', { name: 'Token' }).fill(tokenFor('ana', MAY_ACT));
    await opened.keyboard.press('Enter');
    await opened.getByTestId('drawer').getByRole('heading', { name: 'Flour is low' }).waitFor();
    await opened.getByTestId('deliveries').locator('[data-channel=push][data-state=sent]').waitFor();
    await picture(opened, 'push-opened-the-alert');
  });

  it('open the alert in the page that is open, which is not loaded again', async () => {
    const { browser, page } = await subscribed();
    const service = await serviceOf(page.context());
    await page.evaluate('window.isTheSame = true');
    await service.deliver(await pushed(browser, 'Oven is cold'));
    expect(await clickedIn(page.context().serviceWorkers()[0]!)).toBeNull();
    await page.getByTestId('drawer').getByRole('heading', { name: 'Oven is cold' }).waitFor();
    expect(await page.evaluate('window.isTheSame')).toBe(true);
  });

  it('are renewed when the page is opened', async () => {
    const { browser, page } = await subscribed();
    await stack.sql(`update tocsin.push_subscription set renewed_at = renewed_at - interval '20 days'`);
    await page.reload();
    await eventually(async () => expect(await renewals(browser.keys.endpoint)).toEqual([{ is_new: true }]));
  });

  it('are turned off in the settings', async () => {
    const { browser, page } = await subscribed();
    await (await settingOf(page)).click();
    await becomes(page, 'off');
    expect(await renewals(browser.keys.endpoint)).toEqual([]);
  });

  it('end when the user signs out, on this browser and on the server', async () => {
    const { browser, page } = await subscribed();
    await signOut(page);
    expect(await renewals(browser.keys.endpoint)).toEqual([]);
    expect(await page.evaluate(`localStorage.getItem('subscription-of-the-stand-in')`)).toBeNull();
  });

  it('do not keep a user signed in whose server is away', async () => {
    const { page } = await subscribed();
    await page.route('**/api/v1/push**', () => undefined);
    const startedAt = performance.now();
    await signOut(page);
    expect(performance.now() - startedAt).toBeLessThan(SIGNED_OUT_WITHIN_MS);
    expect(await page.evaluate(`localStorage.getItem('subscription-of-the-stand-in')`)).toBeNull();
  });

  it.each([
    ['light', 1_440],
    ['dark', 900],
    ['light', 400],
  ] as const)('say why they cannot be turned on: %s, %d px', async (colorScheme, width) => {
    const look = { colorScheme, viewport: { width, height: 900 } };
    const denied = await visits.signedIn(stack.gateway.url, 'ana', look);
    const setting = await settingOf(denied);
    await becomes(denied, 'off');
    // a browser without a head denies what it would ask its user
    await setting.click();
    await becomes(denied, 'denied');
    await denied.getByText('This browser blocks notifications').waitFor();
    await picture(denied, `push-denied-${colorScheme}-${width}`);
    // behind an open menu the page is hidden from everything, and axe wants its links out of reach as well
    expect(await barriersIn(denied, '[role=menu]')).toEqual([]);
  });

  it('say that this installation sends none, and that it is not known', async () => {
    const gateway = await stack.startGateway({ PORT: '0', VAPID_PUBLIC_KEY: '' });
    const page = await visits.signedIn(gateway.url, 'ana', ALLOWED);
    await settingOf(page);
    await becomes(page, 'not_offered');
    await page.getByText('This installation sends no push messages.').waitFor();
    await picture(page, 'push-not-offered');
    await page.keyboard.press('Escape');
    await page.route('**/api/v1/push', (route) => route.abort());
    await settingOf(page);
    await becomes(page, 'unknown');
    await page.getByText('Not known: ').waitFor();
  });
});

/**
 * The browser's side of push messages: hands a payload to the service worker, as the browser does that has decrypted
 * it. The browser drops without a word what comes before the worker is active, so this waits until it is.
 */
async function serviceOf(context: BrowserContext): Promise<{ deliver(payload: object): Promise<void> }> {
  const elsewhere = await context.newPage();
  const session: CDPSession = await context.newCDPSession(elsewhere);
  const registered = new Promise<{ registrationId: string; scopeURL: string }>((resolve) => {
    session.on('ServiceWorker.workerRegistrationUpdated', ({ registrations: [one] }) => one && resolve(one));
  });
  const active = new Promise<void>((resolve) => {
    session.on('ServiceWorker.workerVersionUpdated', ({ versions }) => {
      if (versions.some(({ status }) => status === 'activated')) resolve();
    });
  });
  await session.send('ServiceWorker.enable');
  const [{ registrationId, scopeURL }] = await Promise.all([registered, active]);
  const send = (payload: object) =>
    session.send('ServiceWorker.deliverPushMessage', {
      origin: new URL(scopeURL).origin,
      registrationId,
      data: JSON.stringify(payload),
    });
  return {
    // it also drops a message whose worker it cannot start in time, as on a machine that is busy with other tests
    deliver: (payload) =>
      eventually(async () => {
        await send(payload);
        await shownBy(context.serviceWorkers()[0]!, ASKED_AGAIN_MS);
      }, LATE_MS),
  };
}

/** A worker that the browser has to start again takes its time on a busy machine. */
const shownBy = (worker: Worker, withinMs = LATE_MS) =>
  eventually(async () => {
    const shown = await worker.evaluate<{ title: string; body: string; tag: string }[]>(
      '(async () => (await registration.getNotifications()).map(({ title, body, tag }) => ({ title, body, tag })))()',
    );
    if (shown.length === 0) throw new Error('No notification is shown.');
    return shown;
  }, withinMs);

/**
 * Clicks the notification that is shown. Only a person's click may open a window, so the address is noted instead;
 * null: a page that is open shows the alert.
 */
async function clickedIn(worker: Worker): Promise<string | null> {
  await shownBy(worker);
  return worker.evaluate<string | null>(`(async () => {
    let opened = null;
    clients.openWindow = async (url) => void (opened = url);
    const [notification] = await registration.getNotifications();
    const event = new NotificationEvent('notificationclick', { notification });
    const work = [];
    event.waitUntil = (promise) => void work.push(promise);
    dispatchEvent(event);
    await Promise.all(work);
    return opened;
  })()`);
}
