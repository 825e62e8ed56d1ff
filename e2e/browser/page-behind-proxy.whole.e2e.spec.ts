import { setTimeout as sleep } from 'node:timers/promises';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { eventually } from '@tocsin/contracts/testing';
import { limitMs } from '../faults/size';
import { openBrowser } from '../kit/browser';
import { describeWith } from '../kit/programs';
import { Stack } from '../kit/stack';
import { nowSeconds, tokenFor } from '../kit/tokens';
import { MAY_ACT, picture, rowOf } from './dashboard-visits';
import { withChosenBuild } from './page-copy';
import { PageServer } from './page-server';

const REFUSING_SECONDS = 20;
const PATIENCE_MS = 45_000;
/** The path at which the proxy in front of the page gives tokens to signed-in users. */
const TOKEN_URL = '/session/token';
/** The lifetime of these tokens. The page renews a token when a fifth of its lifetime is left. */
const TOKEN_SECONDS = 3;
const TABS = 8;
const HOSTILE = '<img src=x onerror="window.hacked=1"><script>window.hacked=1</script>';

/** Records the title of each toast on the page. */
const OBSERVED = `
  window.toasted = []; window.notified = [];
  new MutationObserver((changes) => {
    for (const { addedNodes } of changes) for (const node of addedNodes) {
      if (!(node instanceof Element)) continue;
      for (const toast of node.matches('[data-testid=toast]') ? [node] : node.querySelectorAll('[data-testid=toast]')) {
        const title = toast.querySelector('strong').textContent;
        toasted.push(title);
        window.tellOfToast?.(title);
      }
    }
  }).observe(document, { childList: true, subtree: true });
`;
/** Makes the page hidden, with desktop notifications allowed, and records those. */
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
    proxy = await PageServer.start();
    proxy.passesAll = true;
    const opening = openBrowser();
    stack = await Stack.open({
      tenants: { 'ana@example.test': ['bakery'] },
      gatewayEnvironment: { HEARTBEAT_MS: '1000', PAGE_TOKEN_URL: TOKEN_URL },
    });
    browser = await opening;
  }, 60_000);
  beforeEach(async () => {
    proxy.gateway = stack.gateways.at(-1)!.url;
    context = await browser.newContext({ viewport: { width: 1_280, height: 800 }, locale: 'en-GB' });
    await withChosenBuild(context);
    await context.addInitScript(OBSERVED);
    page = await context.newPage();
  });
  afterEach(() => context?.close());
  afterAll(async () => {
    await browser?.close();
    await stack?.close();
    await proxy?.close();
  });

  const publish = (title: string, more: Record<string, unknown> = {}) =>
    stack.amqp.publish('alert.urgent.inventory', { tenant_id: 'bakery', title, ...more });
  const rows = () => page.locator('[data-alert]').allInnerTexts();
  const becomes = (state: string) =>
    page
      .getByTestId('pill')
      .and(page.locator(`[data-state-name=${state}]`))
      .waitFor({ timeout: PATIENCE_MS });
  const open = async () => {
    await page.goto(`${proxy.trustedOrigin}/#token=${tokenFor('ana@example.test', MAY_ACT)}`);
    await becomes('live');
  };

  it(
    `is live again without a reload after its gateway was killed and the proxy answered 503 for ${REFUSING_SECONDS} s, with every alert once and no toast twice`,
    async () => {
      await open();
      await page.evaluate('window.sameDocument = true');
      await publish('Before');
      await page.getByTestId('toast').filter({ hasText: 'Before' }).waitFor();
      proxy.refusal = 503;
      await stack.gateways.at(-1)!.kill();
      await publish('While it is away');
      await becomes('reconnecting');
      // a fixed wait, because the length of the refusal is part of the test
      await sleep(REFUSING_SECONDS * 1_000);
      await picture(page, 'show-1.4-gateway-killed-and-503');
      proxy.gateway = (await stack.startGateway()).url;
      proxy.refusal = undefined;
      await becomes('live');
      await publish('After');
      await page.getByRole('row').filter({ hasText: 'After' }).waitFor();
      await picture(page, 'show-1.5-live-again');
      const titles = (await rows()).map((text) =>
        ['Before', 'While it is away', 'After'].find((title) => text.includes(title)),
      );
      expect(titles.sort()).toEqual(['After', 'Before', 'While it is away']);
      expect(await page.getByTestId('gap').count()).toBe(0);
      const toasted = await page.evaluate<string[]>('toasted');
      expect(toasted).toEqual([...new Set(toasted)]);
      expect(toasted).toEqual(expect.arrayContaining(['Before', 'After']));
      expect(await page.evaluate('window.sameDocument')).toBe(true);
    },
    limitMs(REFUSING_SECONDS + 15),
  );

  it(
    'in eight tabs has one connection, whose token it renews three times; another tab takes over when the one that has it is closed; and after the session has ended, the user signs in again only once',
    async () => {
      const toasted: string[] = [];
      await context.exposeFunction('tellOfToast', (title: string) => void toasted.push(title));
      proxy.files.set(TOKEN_URL, () =>
        JSON.stringify({
          access_token: tokenFor('ana@example.test', { ...MAY_ACT, exp: nowSeconds() + TOKEN_SECONDS }),
        }),
      );
      const tabs = [page, ...(await Promise.all(Array.from({ length: TABS - 1 }, () => context.newPage())))];
      const all = async (check: (tab: Page) => Promise<unknown>) => void (await Promise.all(tabs.map(check)));
      const isLive = (tab: Page) =>
        tab.getByTestId('pill').and(tab.locator('[data-state-name=live]')).waitFor({ timeout: PATIENCE_MS });
      const isOnce = (title: string) =>
        all(async (tab) => {
          await rowOf(tab, title).first().waitFor({ timeout: PATIENCE_MS });
          expect(await rowOf(tab, title).count()).toBe(1);
        });
      const isConnectedOnce = async () => {
        await eventually(
          async () =>
            expect([await stack.gateways.at(-1)!.metric('tocsin_sse_connections'), proxy.openStreams]).toEqual([1, 1]),
          PATIENCE_MS,
        );
      };
      await all((tab) => tab.goto(proxy.trustedOrigin));
      await all((tab) => tab.evaluate('window.sameDocument = true'));
      await all(isLive);
      await isConnectedOnce();
      const published = ['With a second token', 'With a third one', 'With a fourth one'];
      for (const title of published) {
        const { length } = proxy.asked;
        await eventually(
          () => expect(proxy.asked.slice(length).some(({ url }) => url.startsWith('/api/events'))).toBe(true),
          PATIENCE_MS,
        );
        await publish(title);
        await isOnce(title);
      }
      await isConnectedOnce();
      await picture(tabs.at(-1)!, 'show-1.6-eight-tabs-one-connection-three-tokens');

      const leads = await Promise.all(
        tabs.map(async (tab) => {
          await tab.getByTestId('pill').click();
          const whose = await tab.getByText(/^(this tab’s own|shared with another tab)$/).textContent();
          await tab.keyboard.press('Escape');
          return whose === 'this tab’s own';
        }),
      );
      expect(leads.filter(Boolean)).toHaveLength(1);
      const [leader] = tabs.splice(leads.indexOf(true), 1);
      await leader!.close();
      published.push('To seven');
      await publish('To seven');
      await isOnce('To seven');
      await isConnectedOnce();
      await picture(tabs[0]!, 'show-1.7-leader-closed');

      // the session at the proxy ends
      proxy.files.set(TOKEN_URL, () => 401);
      await all((tab) =>
        tab.getByRole('dialog').getByText('Your session ended').first().waitFor({ timeout: PATIENCE_MS }),
      );
      await publish('To nobody');
      await picture(tabs[0]!, 'show-1.8-session-ended');
      const [first] = tabs;
      await first!.getByText('Sign in with a token instead').click();
      await first!.getByRole('textbox', { name: 'Token' }).fill(tokenFor('ana@example.test', MAY_ACT));
      await first!.keyboard.press('Enter');
      await all(isLive);
      await isOnce('To nobody');
      await isConnectedOnce();
      expect(toasted.sort()).toEqual([...published, 'To nobody'].sort());
      // after the new sign-in, acts work in the other tabs too
      const last = tabs.at(-1)!;
      await rowOf(last, 'To nobody').focus();
      await last.keyboard.press('a');
      await all((tab) => rowOf(tab, 'To nobody').and(tab.locator('[data-status=acknowledged]')).waitFor());
      await all(async (tab) => {
        expect(await tab.evaluate('window.sameDocument')).toBe(true);
        expect(await tab.getByTestId('gap').count()).toBe(0);
      });
      await picture(last, 'show-1.9-signed-in-again');
    },
    limitMs(40),
  );

  it('shows hostile text as text in a desktop notification too, while the page is hidden', async () => {
    await context.addInitScript(`localStorage.setItem('tocsin.preferences', JSON.stringify({ desktop: true }))`);
    await open();
    expect(await page.evaluate(LEFT_ALONE)).toEqual(['hidden', 'granted']);
    await publish(HOSTILE, { message: HOSTILE });
    await page.getByTestId('toast').filter({ hasText: HOSTILE }).waitFor();
    await eventually(async () =>
      expect(await page.evaluate('notified')).toEqual([{ title: HOSTILE, body: `inventory · ${HOSTILE}` }]),
    );
    expect(await page.evaluate('window.hacked')).toBeUndefined();
  });
});
