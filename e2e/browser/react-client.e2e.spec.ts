import type { Browser, BrowserContext, Dialog, Page } from 'playwright-core';
import { eventually } from '@tocsin/contracts/testing';
import { openBrowser } from '../kit/browser';
import { describeWith } from '../kit/programs';
import { Stack } from '../kit/stack';
import { nowSeconds, tokenFor } from '../kit/tokens';
import { bundle } from './bundle';
import { PageServer } from './page-server';

interface Log {
  heard: { seq: number; event_id: string; notify: boolean; replayed: boolean }[];
  states: string[];
  stream: { status: { state: string; isLeader: boolean; gap: unknown; resumed: number } };
}

const PATIENCE_MS = 30_000;

describeWith('chromium', 'a page with the client', () => {
  let browser: Browser;
  let pages: PageServer;
  let stack: Stack;
  let context: BrowserContext;
  let published = 0;
  let tokenSeconds: number;
  let tokensGiven = 0;
  beforeAll(async () => {
    pages = await PageServer.start();
    const opening = openBrowser();
    const bundling = bundle('examples/browser/alert-log.ts');
    stack = await Stack.open({ tenants: { ana: ['bakery'] }, gatewayEnvironment: { HEARTBEAT_MS: '1000' } });
    browser = await opening;
    const { js } = await bundling;
    pages.files.set(
      '/log.html',
      () => '<!doctype html><meta charset="utf-8"><title>Log</title><script type="module" src="/log.js"></script>',
    );
    pages.files.set('/log.js', () => js);
    pages.files.set('/token', () => {
      tokensGiven += 1;
      return tokenFor('ana', { exp: nowSeconds() + tokenSeconds });
    });
  }, 90_000);
  afterAll(async () => {
    await browser?.close();
    await stack?.close();
    await pages?.close();
  });
  beforeEach(async () => {
    tokenSeconds = 3_600;
    pages.gateway = stack.gateways.at(-1)!.url;
    context = await browser.newContext();
  });
  afterEach(async () => {
    await context.close();
    await eventually(() => expect(pages.openStreams).toBe(0));
  });

  const logOf = (page: Page) =>
    page.evaluate<Pick<Log, 'heard' | 'states'>>('({ heard: log.heard, states: log.states })');
  const statusOf = (page: Page) => page.evaluate<Log['stream']['status']>('log.stream.status');
  const becomes = (page: Page, state: string) =>
    eventually(async () => expect((await statusOf(page)).state).toBe(state), PATIENCE_MS);

  async function openTab(): Promise<Page> {
    const page = await context.newPage();
    await page.goto(`${pages.trustedOrigin}/log.html`);
    await becomes(page, 'live');
    return page;
  }
  async function publish(count = 1): Promise<void> {
    for (let i = 0; i < count; i += 1)
      await stack.amqp.publish('alert.high.inventory', { tenant_id: 'bakery', id: `alert-${(published += 1)}` });
  }
  /** The sequence numbers after `from` of everything that was published. */
  const numbers = (from: number) => Array.from({ length: published - from }, (_, i) => from + 1 + i);
  const hears = (page: Page, from: number) =>
    eventually(async () => expect((await logOf(page)).heard.map(({ seq }) => seq)).toEqual(numbers(from)), PATIENCE_MS);

  it('is live again by itself after its gateway was killed and a proxy answered 503, and has missed nothing and told nothing twice', async () => {
    const from = published;
    const page = await openTab();
    await publish(5);
    await hears(page, from);
    pages.refusal = 503;
    await stack.gateways.at(-1)!.kill();
    await publish(5);
    await becomes(page, 'reconnecting');
    const asked = pages.asked.length;
    await eventually(() => expect(pages.asked.length).toBeGreaterThanOrEqual(asked + 2), PATIENCE_MS);
    pages.gateway = (await stack.startGateway()).url;
    pages.refusal = undefined;
    await becomes(page, 'live');
    await publish(5);
    await hears(page, from);
    expect(await statusOf(page)).toMatchObject({ gap: null, resumed: 1 });
    // these are the states that a user saw
    expect(new Set((await logOf(page)).states)).toEqual(
      new Set([
        'connecting',
        'live',
        'reconnecting',
        ...((await logOf(page)).states.includes('catching_up') ? ['catching_up'] : []),
      ]),
    );
  }, 90_000);

  it('takes the connection over from a tab that stands still, and neither of them misses or repeats anything', async () => {
    const from = published;
    const first = await openTab();
    await publish();
    await hears(first, from);
    // a page with a dialog stands still as a suspended one does, and keeps its lock
    const dialog = new Promise<Dialog>((resolve) => first.once('dialog', resolve));
    await first.evaluate(`void setTimeout(() => alert('It stands still.'))`);
    const stands = await dialog;
    const second = await openTab();
    await publish();
    await hears(second, from + 1);
    await stands.dismiss();
    await publish();
    await hears(first, from);
    await hears(second, from + 1);
    expect([await statusOf(first), await statusOf(second)].map(({ isLeader }) => isLeader)).toEqual([false, true]);
  }, 90_000);

  it('renews its token before it expires, three times, and nothing is missed or told twice', async () => {
    const from = published;
    tokenSeconds = 4;
    tokensGiven = 0;
    const page = await openTab();
    while (tokensGiven < 4) {
      await publish();
      await page.waitForTimeout(100);
    }
    await publish();
    await hears(page, from);
    const { states } = await logOf(page);
    expect(states.filter((state) => !['connecting', 'live', 'catching_up'].includes(state))).toEqual([]);
    // the fourth token was given when the page asked for it, and its stream may open later
    await eventually(async () => expect((await statusOf(page)).resumed).toBeGreaterThanOrEqual(3), 20_000);
  }, 90_000);

  it('keeps its position over a reload, and gets what happened meanwhile', async () => {
    const from = published;
    const page = await openTab();
    await publish(3);
    await hears(page, from);
    await page.goto('about:blank');
    await publish(2);
    await stack.stored(published);
    await page.goto(`${pages.trustedOrigin}/log.html`);
    await hears(page, from + 3);
    expect((await logOf(page)).heard.map(({ replayed, notify }) => ({ replayed, notify }))).toEqual(
      Array(2).fill({ replayed: true, notify: true }),
    );
  }, 90_000);

  it('shares one connection among eight tabs; when the tab that has it is closed, another takes over, and every tab gets each alert once, one of them with a toast', async () => {
    const from = published;
    const tabs: Page[] = [];
    for (let i = 0; i < 8; i += 1) tabs.push(await openTab());
    expect(pages.openStreams).toBe(1);
    await publish(10);
    await Promise.all(tabs.map((tab) => hears(tab, from)));

    const toasts: string[] = [];
    const collect = async (page: Page) =>
      toasts.push(...(await logOf(page)).heard.filter(({ notify }) => notify).map(({ event_id }) => event_id));
    for (let round = 0; round < 2; round += 1) {
      const leads = await Promise.all(tabs.map(async (tab) => (await statusOf(tab)).isLeader));
      expect(leads.filter(Boolean)).toHaveLength(1);
      const [leader] = tabs.splice(leads.indexOf(true), 1);
      await collect(leader!);
      const closing = leader!.close();
      await publish(10);
      await closing;
      await publish(5);
      await Promise.all(tabs.map((tab) => hears(tab, from)));
      expect(pages.openStreams).toBe(1);
    }
    await Promise.all(tabs.map(collect));
    expect(new Set(toasts).size).toBe(toasts.length);
    // toasts of a tab while it is being closed are lost with it
    const closings = 2 * 10;
    expect(toasts.length).toBeGreaterThanOrEqual(numbers(from).length - closings);

    const late = await openTab();
    await publish();
    await eventually(async () =>
      expect((await logOf(late)).heard.map(({ event_id }) => event_id)).toEqual([`alert-${published}`]),
    );
    expect(pages.openStreams).toBe(1);
  }, 120_000);
});
