import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { chromium, type Browser, type BrowserContext, type Page } from 'playwright-core';
import { eventually } from '@tocsin/contracts/testing';
import { limitMs, sized, SIZE_NOTE } from '../faults/size';
import { describeWith, pathOf } from '../kit/programs';
import { Stack } from '../kit/stack';
import { tokenFor } from '../kit/tokens';
import { PageServer } from './page-server';

const ARTIFACTS = join(__dirname, '..', '..', 'artifacts', 'page-behind-proxy');
const REFUSING_SECONDS = sized(20, 3);
const PATIENCE_MS = 45_000;
const HOSTILE = '<img src=x onerror="window.hacked=1"><script>window.hacked=1</script>';

/** Notes each toast that comes onto the page, and what a desktop notification would say. */
const OBSERVED = `
  window.toasted = []; window.notified = [];
  new MutationObserver((changes) => {
    for (const { addedNodes } of changes) for (const node of addedNodes) {
      if (!(node instanceof Element)) continue;
      for (const toast of node.matches('[data-testid=toast]') ? [node] : node.querySelectorAll('[data-testid=toast]')) toasted.push(toast.querySelector('strong').textContent);
    }
  }).observe(document, { childList: true, subtree: true });
`;
/** Nobody looks at the page, and they have allowed it to call them. */
const LEFT_ALONE = `
  Object.defineProperty(document, 'visibilityState', { get: () => 'hidden' });
  window.Notification = class { static permission = 'granted'; constructor(title, { body }) { notified.push({ title, body }); } close() {} };
  [document.visibilityState, Notification.permission]
`;

describeWith('chromium', 'the page behind a proxy', () => {
  let browser: Browser;
  let proxy: PageServer;
  let stack: Stack;
  let context: BrowserContext;
  let page: Page;
  beforeAll(async () => {
    mkdirSync(ARTIFACTS, { recursive: true });
    proxy = await PageServer.start();
    proxy.passesAll = true;
    const opening = chromium.launch({ executablePath: pathOf('chromium'), headless: true, args: ['--no-sandbox', '--disable-dev-shm-usage', '--disable-gpu'] });
    stack = await Stack.open({ tenants: { 'ana@example.test': ['bakery'] }, gatewayEnvironment: { HEARTBEAT_MS: '1000' } });
    browser = await opening;
  }, 60_000);
  beforeEach(async () => {
    proxy.gateway = stack.gateways.at(-1)!.url;
    context = await browser.newContext({ viewport: { width: 1_280, height: 800 }, locale: 'en-GB' });
    await context.addInitScript(OBSERVED);
    page = await context.newPage();
  });
  afterEach(() => context?.close());
  afterAll(async () => {
    await browser?.close();
    await stack?.close();
    await proxy?.close();
  });

  const publish = (title: string, more: Record<string, unknown> = {}) => stack.amqp.publish('alert.urgent.inventory', { tenant_id: 'bakery', title, ...more });
  const rows = () => page.locator('[data-alert]').allInnerTexts();
  const becomes = (state: string) => page.getByTestId('pill').and(page.locator(`[data-state-name=${state}]`)).waitFor({ timeout: PATIENCE_MS });
  const open = async () => {
    await page.goto(`${proxy.trustedOrigin}/#token=${tokenFor('ana@example.test', { scope: 'alerts:read alerts:write' })}`);
    await becomes('live');
  };
  const shot = (name: string) => page.screenshot({ path: join(ARTIFACTS, `${name}.png`) });

  it(`is live again without a reload after its gateway was killed and the proxy answered 503 for ${REFUSING_SECONDS} s, with every alert once and no toast twice${SIZE_NOTE}`, async () => {
    await open();
    await page.evaluate('window.sameDocument = true');
    await publish('Before');
    await page.getByTestId('toast').filter({ hasText: 'Before' }).waitFor();
    proxy.refusal = 503;
    await stack.gateways.at(-1)!.kill();
    await publish('While it is away');
    await becomes('reconnecting');
    // how long the proxy refuses is what this is about
    await sleep(REFUSING_SECONDS * 1_000);
    await shot('refused');
    proxy.gateway = (await stack.startGateway()).url;
    proxy.refusal = undefined;
    await becomes('live');
    await publish('After');
    await page.getByRole('row').filter({ hasText: 'After' }).waitFor();
    await shot('live-again');
    const titles = (await rows()).map((text) => ['Before', 'While it is away', 'After'].find((title) => text.includes(title)));
    expect(titles.sort()).toEqual(['After', 'Before', 'While it is away']);
    expect(await page.getByTestId('gap').count()).toBe(0);
    const toasted = await page.evaluate<string[]>('toasted');
    expect(toasted).toEqual([...new Set(toasted)]);
    expect(toasted).toEqual(expect.arrayContaining(['Before', 'After']));
    expect(await page.evaluate('window.sameDocument')).toBe(true);
  }, limitMs(REFUSING_SECONDS + 15));

  it('says hostile text as text in a desktop notification too, when nobody looks at it', async () => {
    await context.addInitScript(`localStorage.setItem('tocsin.preferences', JSON.stringify({ desktop: true }))`);
    await open();
    expect(await page.evaluate(LEFT_ALONE)).toEqual(['hidden', 'granted']);
    await publish(HOSTILE, { message: HOSTILE });
    await page.getByTestId('toast').filter({ hasText: HOSTILE }).waitFor();
    await eventually(async () => expect(await page.evaluate('notified')).toEqual([{ title: HOSTILE, body: `inventory · ${HOSTILE}` }]));
    expect(await page.evaluate('window.hacked')).toBeUndefined();
  });
});
