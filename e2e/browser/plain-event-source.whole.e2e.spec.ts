import type { Browser, Page } from 'playwright-core';
import { openBrowser } from '../kit/browser';
import { describeWith } from '../kit/programs';
import { Stack } from '../kit/stack';
import { tokenFor } from '../kit/tokens';
import { PageServer } from './page-server';

const ALERTS = [
  { key: 'alert.urgent.inventory', title: 'Flour is running low' },
  { key: 'recommendation.low.sales', title: 'Bake more rye' },
  { key: 'alert.high.production', title: 'Oven 2 is cold' },
];
const SHOWN = [
  'inventory_alert inventory: Flour is running low',
  'notification sales: Bake more rye',
  'notification production: Oven 2 is cold',
];

describeWith('chromium', 'a page with a plain EventSource', () => {
  let browser: Browser;
  let pages: PageServer;
  let stack: Stack;
  beforeAll(async () => {
    pages = await PageServer.start();
    browser = await openBrowser();
    stack = await Stack.open({
      tenants: { ana: ['bakery'] },
      gatewayEnvironment: { CORS_ORIGINS: pages.origin, HEARTBEAT_MS: '1000' },
    });
  }, 60_000);
  afterAll(async () => {
    await browser?.close();
    await stack?.close();
    await pages?.close();
  });

  /** Opens the page and waits until it has heard `connection`. */
  async function open(api = ''): Promise<Page> {
    const page = await browser.newPage();
    await page.goto(pages.address(tokenFor('ana'), api));
    await waitForLog(page, 'connection', 1);
    return page;
  }
  const logOf = (page: Page) => page.evaluate(() => (globalThis as unknown as { log: string[] }).log);
  const waitForLog = (page: Page, line: string, times: number) =>
    page.waitForFunction(
      ([wanted, count]) =>
        (globalThis as unknown as { log: string[] }).log.filter((logged) => logged === wanted).length >=
        (count as number),
      [line, times] as const,
      { timeout: 20_000 },
    );
  const lines = (page: Page) => page.locator('li').allTextContents();

  async function publish(suffix = ''): Promise<void> {
    for (const { key, title } of ALERTS) await stack.amqp.publish(key, { tenant_id: 'bakery', title: title + suffix });
  }

  it.each([
    ['on another origin than the gateway', () => stack.gateway.url],
    ['behind one origin with the gateway', () => ''],
  ])('%s shows the alerts of three services, and hears the heartbeat', async (_, api) => {
    pages.gateway = stack.gateway.url;
    const page = await open(api());
    await publish();
    await page.locator('li').nth(2).waitFor();
    expect((await lines(page)).sort()).toEqual([...SHOWN].sort());
    await waitForLog(page, 'heartbeat', 2);
    const log = await logOf(page);
    expect(log.slice(0, 2)).toEqual(['open', 'connection']);
    expect(log.filter((line) => line === 'message' || line.startsWith('error'))).toEqual([]);
    await page.close();
  });

  it('comes back by itself after its gateway was replaced, and has missed nothing', async () => {
    pages.gateway = stack.gateway.url;
    const page = await open();
    await publish(' (before)');
    await page.locator('li').nth(2).waitFor();

    pages.gateway = undefined;
    await stack.gateway.stop();
    await publish(' (meanwhile)');
    pages.gateway = (await stack.startGateway()).url;

    await waitForLog(page, 'connection', 2);
    await publish(' (after)');
    await page.locator('li').nth(8).waitFor();
    const expected = [' (before)', ' (meanwhile)', ' (after)'].flatMap((suffix) => SHOWN.map((line) => line + suffix));
    expect((await lines(page)).sort()).toEqual(expected.sort());
    await page.close();
  }, 60_000);

  it('of an origin that is not listed sees nothing', async () => {
    const stranger = await PageServer.start();
    const page = await browser.newPage();
    await page.goto(stranger.address(tokenFor('ana'), pages.gateway));
    // readyState 2: the EventSource has given up for good
    await waitForLog(page, 'error 2', 1);
    expect(await logOf(page)).toEqual(['error 2']);
    await page.close();
    await stranger.close();
  });
});
