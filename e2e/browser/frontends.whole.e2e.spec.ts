import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { eventually } from '@tocsin/contracts/testing';
import { openBrowser } from '../kit/browser';
import { describeWith } from '../kit/programs';
import { Stack } from '../kit/stack';
import { tokenFor } from '../kit/tokens';
import { bundle } from './bundle';
import { PageServer } from './page-server';

const ALERTS = [
  { key: 'alert.urgent.inventory', service: 'inventory', severity: 'urgent', title: 'Flour is running low' },
  { key: 'alert.high.production', service: 'production', severity: 'high', title: 'Oven 2 is cold' },
  { key: 'alert.medium.orders', service: 'orders', severity: 'medium', title: 'Order 4711 is late' },
];
const HOSTILE = '<img src=x onerror="window.hurt = 1"><script>window.hurt = 2</script>';
const PATIENCE_MS = 20_000;
const page = (script: string) =>
  `<!doctype html><meta charset="utf-8"><title>Alerts</title><link rel="stylesheet" href="/page.css"><div id="toasts"></div><div id="root"></div><script type="module" src="${script}"></script>`;

// The frontends of `examples`, unchanged, on one origin with a gateway.
describeWith('chromium', 'a frontend', () => {
  let browser: Browser;
  let pages: PageServer;
  let stack: Stack;
  let tab: Page;
  let lines: string[];
  beforeAll(async () => {
    pages = await PageServer.start();
    const opening = openBrowser();
    const opened = Stack.open({ tenants: { ana: ['bakery'] }, gatewayEnvironment: { HEARTBEAT_MS: '1000' } });
    for (const name of ['sse-context', 'inbox', 'alerts']) {
      const { js, css } = await bundle(`examples/react/${name}.tsx`);
      pages.files.set(`/${name}.html`, () => page(`/${name}.js`)).set(`/${name}.js`, () => js);
      if (css) pages.files.set('/page.css', () => css);
    }
    pages.files.set('/event-source.html', () =>
      readFileSync(join(__dirname, '../../examples/browser/event-source.html'), 'utf8'),
    );
    [browser, stack] = await Promise.all([opening, opened]);
    pages.gateway = stack.gateway.url;
  }, 120_000);
  afterAll(async () => {
    await browser?.close();
    await stack?.close();
    await pages?.close();
  });
  beforeEach(async () => {
    const context = await browser.newContext();
    await context.addInitScript(`localStorage.setItem('token', ${JSON.stringify(tokenFor('ana'))})`);
    tab = await context.newPage();
    lines = [];
    tab.on('console', (message) => lines.push(message.text()));
    tab.on('pageerror', (error) => lines.push(`uncaught ${error.message}`));
  });
  afterEach(async () => {
    await tab.context().close();
    expect(lines.filter((line) => line.startsWith('uncaught'))).toEqual([]);
    await eventually(() => expect(pages.openStreams).toBe(0), PATIENCE_MS);
  });

  async function publish(suffix: string): Promise<string[]> {
    for (const { key, title } of ALERTS) await stack.amqp.publish(key, { tenant_id: 'bakery', title: title + suffix });
    return ALERTS.map(({ service, title }) => `${service}: ${title}${suffix}`);
  }
  const open = async (name: string) => {
    await tab.goto(`${pages.trustedOrigin}/${name}.html`);
    await eventually(() => expect(pages.openStreams).toBe(1), PATIENCE_MS);
  };
  const texts = (selector: string) => tab.locator(selector).allTextContents();

  it('with a plain EventSource shows the alerts of three services', async () => {
    await open('event-source');
    const published = await publish(' (plain)');
    await eventually(
      async () => expect((await texts('li')).map((line) => line.replace(/^\w+ /, '')).sort()).toEqual(published.sort()),
      PATIENCE_MS,
    );
  });

  it('with the usual SSEContext says that it is connected, toasts the alerts of three services and lists them', async () => {
    await open('sse-context');
    await eventually(() => expect(lines).toContain('SSE connection opened'), PATIENCE_MS);
    expect(lines.filter((line) => line.startsWith('Connecting to SSE endpoint: '))).toContain(
      `Connecting to SSE endpoint: ${pages.trustedOrigin}/api/events`,
    );
    const published = await publish(' (context)');
    await eventually(async () => expect((await texts('.toast')).sort()).toEqual(published.sort()), PATIENCE_MS);
    expect(await texts('li')).toHaveLength(3);
    expect(await texts('p')).toEqual(['Connected']);
  });

  it('of ten lines with the package lists each firing alert once, with one connection for two tabs', async () => {
    await open('alerts');
    const before = await eventually(async () => {
      const found = await texts('li');
      expect(found.length).toBeGreaterThan(0);
      return found.length;
    }, PATIENCE_MS);
    const second = await tab.context().newPage();
    await second.goto(`${pages.trustedOrigin}/alerts.html`);
    await publish(' (lines)');
    for (const one of [tab, second])
      await eventually(async () => expect(await one.locator('li').count()).toBe(before + 3), PATIENCE_MS);
    expect(pages.openStreams).toBe(1);
  });

  it('with the inbox toasts new alerts, counts urgent ones, and shows hostile text as text', async () => {
    await open('inbox');
    const count = Number(await tab.locator('.tocsin-count').textContent({ timeout: PATIENCE_MS }));
    await stack.amqp.publish('alert.urgent.inventory', { tenant_id: 'bakery', title: HOSTILE, message: HOSTILE });
    await tab.locator('.tocsin-toast').waitFor({ timeout: PATIENCE_MS });
    expect(await texts('.tocsin-toast .tocsin-title')).toEqual([HOSTILE]);
    await eventually(
      async () => expect(Number(await tab.locator('.tocsin-count').textContent())).toBe(count + 1),
      PATIENCE_MS,
    );
    await tab.locator('.tocsin-bell').click();
    await tab.locator('.tocsin-row').first().waitFor({ timeout: PATIENCE_MS });
    expect((await texts('.tocsin-row .tocsin-title'))[0]).toBe(HOSTILE);
    expect(await tab.evaluate('window.hurt')).toBeUndefined();
    // Escape closes the panel and gives the focus back, so that the keyboard alone is enough
    await tab.keyboard.press('Escape');
    expect(await tab.locator('.tocsin-panel').count()).toBe(0);
    expect(await tab.evaluate('document.activeElement.className')).toBe('tocsin-bell');
  });
});
