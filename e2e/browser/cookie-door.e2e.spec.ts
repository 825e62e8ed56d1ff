import type { Browser, Page } from 'playwright-core';
import { eventually } from '@tocsin/contracts/testing';
import { openBrowser } from '../kit/browser';
import { describeWith } from '../kit/programs';
import { Stack } from '../kit/stack';
import { tokenFor } from '../kit/tokens';
import { PageServer } from './page-server';

type Heard = { event: string; data?: string; lastEventId?: string; state?: number };
const NAMES = ['connection', 'inventory_alert', 'close', 'heartbeat'];
const CONNECTING = 0;
/** Text with every kind of line end, and with characters that only look like one. */
const LINES = 'CR:\rLF:\nCRLF:\r\nLS:\u2028NEL:\u0085 data: x\n\nid: 1';

describeWith('chromium', 'a page with an EventSource and a cookie', () => {
  let browser: Browser;
  let pages: PageServer;
  let stack: Stack;
  beforeAll(async () => {
    pages = await PageServer.start();
    const opening = openBrowser();
    stack = await Stack.open({
      tenants: { ana: ['bakery'], ben: ['bakery'] },
      gatewayEnvironment: { HEARTBEAT_MS: '1000', STREAM_QUERY_TOKEN: 'deny' },
    });
    browser = await opening;
    pages.gateway = stack.gateway.url;
  }, 60_000);
  afterAll(async () => {
    await browser?.close();
    await stack?.close();
    await pages?.close();
  });
  beforeEach(() => void (pages.asked.length = 0));

  const heard = (page: Page) => page.evaluate<Heard[]>('heard');
  const hears = (page: Page, event: string, times = 1): Promise<Heard[]> =>
    eventually(async () => {
      const found = (await heard(page)).filter((one) => one.event === event);
      expect(found.length).toBeGreaterThanOrEqual(times);
      return found;
    }, 20_000);
  const streamsAsked = () => pages.asked.filter(({ url }) => url.startsWith('/api/events') && !url.includes('ticket'));
  const publish = (id: string, more = {}) =>
    stack.amqp.publish('alert.high.inventory', { tenant_id: 'bakery', id, title: id, ...more });

  /** A page in its own browser profile, which is signed in as the user and listens to the stream. */
  async function signedIn(user: string): Promise<Page> {
    const page = await browser.newContext().then((context) => context.newPage());
    await page.goto(`${pages.trustedOrigin}/listening`);
    const status = await page.evaluate(
      `fetch('/api/events/ticket?mode=cookie', { method: 'POST', headers: { Authorization: 'Bearer ${tokenFor(user)}' } }).then(({ status }) => status)`,
    );
    expect(status).toBe(201);
    await page.evaluate(`listen('/api/events', ${JSON.stringify(NAMES)})`);
    return page;
  }

  it('comes back by itself with its position, and neither its addresses nor its scripts hold a credential', async () => {
    const page = await signedIn('ana');
    await hears(page, 'connection');
    await publish('first');
    const [first] = await hears(page, 'inventory_alert');
    expect(await page.evaluate('document.cookie')).toBe('');

    pages.gateway = undefined;
    await stack.gateway.stop();
    await publish('meanwhile');
    pages.gateway = (await stack.startGateway()).url;
    const shown = await hears(page, 'inventory_alert', 2);
    expect(shown.map(({ data }) => (JSON.parse(data!) as { event_id: string }).event_id)).toEqual([
      'first',
      'meanwhile',
    ]);
    expect(
      (await hears(page, 'connection', 2)).map(({ data }) => (JSON.parse(data!) as { verdict: string }).verdict),
    ).toEqual(['fresh', 'resumed']);

    const [, ...returns] = streamsAsked();
    expect(returns.length).toBeGreaterThan(0);
    for (const { url, headers } of returns) {
      expect(url).toBe('/api/events');
      expect(headers).toMatchObject({
        'last-event-id': first!.lastEventId,
        cookie: expect.stringMatching(/^__Host-tocsin_stream=/) as string,
      });
      expect(headers.authorization).toBeUndefined();
    }
    await page.context().close();
  }, 60_000);

  it('shows a text as it was sent, with any kind of line end, and a heartbeat moves its position', async () => {
    const page = await signedIn('ana');
    await hears(page, 'connection');
    await publish('lines', { message: LINES, metadata: { lines: LINES } });
    const [shown] = await hears(page, 'inventory_alert');
    expect(JSON.parse(shown!.data!)).toMatchObject({ event_id: 'lines', message: LINES, metadata: { lines: LINES } });
    const alerts = (await heard(page)).filter(({ event }) => event === 'inventory_alert');
    expect(alerts).toHaveLength(1);
    const beats = await hears(
      page,
      'heartbeat',
      (await heard(page)).filter(({ event }) => event === 'heartbeat').length + 1,
    );
    expect(beats.at(-1)!.lastEventId).toBe(shown!.lastEventId);
    await page.context().close();
  }, 60_000);

  it('that is refused for the moment is told why, comes back no sooner than it was told to, and is accepted', async () => {
    stack.tenantService.away = true;
    const page = await signedIn('ben');
    const [close] = await hears(page, 'close');
    const { reason, action, retry_ms } = JSON.parse(close!.data!) as {
      reason: string;
      action: string;
      retry_ms: number;
    };
    expect({ reason, action }).toEqual({ reason: 'tenant_service_unavailable', action: 'reconnect' });
    stack.tenantService.away = false;
    await hears(page, 'connection');

    expect((await heard(page)).filter(({ event }) => event === 'error').map(({ state }) => state)).toContain(
      CONNECTING,
    );
    const [refused, next] = streamsAsked();
    expect(next!.at - refused!.at).toBeGreaterThanOrEqual(retry_ms);
    await page.context().close();
  }, 60_000);
});
