import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Browser, BrowserContext, Locator, Page } from 'playwright-core';
import { eventually } from '@tocsin/contracts/testing';
import { openBrowser } from '../kit/browser';
import { describeWith } from '../kit/programs';
import { Stack } from '../kit/stack';
import { tokenFor } from '../kit/tokens';
import { bundle } from './bundle';
import { barriersIn } from './dashboard-visits';
import { PageServer } from './page-server';

const ARTIFACTS = join(__dirname, '..', '..', 'artifacts', 'inbox');
const PATIENCE_MS = 20_000;
/** As strict as a policy can be for a page with a script, a style sheet and a gateway. */
const POLICY = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'";
const html = `<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<meta http-equiv="Content-Security-Policy" content="${POLICY}"><title>Shop</title><link rel="stylesheet" href="/shop.css">
<link rel="stylesheet" href="/inboxes.css"><main><h1>Shop</h1><p>Bread, <a href="#rolls">rolls</a> and <button id="cake">cake</button></p>
<div class="inboxes"><div id="root"></div><div id="shadow"></div></div></main><script type="module" src="/inboxes.js"></script></html>`;
const SHOP = 'body { margin: 12px } .inboxes { display: flex; justify-content: flex-end; gap: 24px }';
const MAY_ACT = { scope: 'alerts:read alerts:write' };

// The inbox in a page of another product, under a strict policy: twice, once of them in a shadow root.
describeWith('chromium', 'the inbox', () => {
  let browser: Browser;
  let pages: PageServer;
  let stack: Stack;
  let context: BrowserContext;
  let tab: Page;
  let complaints: string[];
  beforeAll(async () => {
    mkdirSync(ARTIFACTS, { recursive: true });
    pages = await PageServer.start();
    const opening = openBrowser();
    const opened = Stack.open({
      tenants: {
        'ana.lopez@shop.test': [
          { id: 'bakery', name: 'North Bakery' },
          { id: 'mill', name: 'Old Mill' },
        ],
        'ben@shop.test': ['bakery'],
        'cleo@shop.test': ['crowd'],
        'dora@shop.test': ['quiet'],
        'eve@shop.test': [{ id: 'bakery', role: 'viewer' }],
      },
      gatewayEnvironment: { HEARTBEAT_MS: '1000' },
    });
    const { js, css } = await bundle('examples/react/inboxes.tsx');
    pages.files
      .set('/inboxes.html', () => html)
      .set('/inboxes.js', () => js)
      .set('/inboxes.css', () => css)
      .set('/shop.css', () => SHOP);
    [browser, stack] = await Promise.all([opening, opened]);
    pages.gateway = stack.gateway.url;
  }, 120_000);
  afterAll(async () => {
    await browser?.close();
    await stack?.close();
    await pages?.close();
  });
  beforeEach(() => {
    complaints = [];
  });
  afterEach(async () => {
    await context.close();
    // a breach of the policy is an error of the console too
    expect(complaints.filter((line) => /uncaught|Content Security Policy/.test(line))).toEqual([]);
    await eventually(() => expect(pages.openStreams).toBe(0), PATIENCE_MS);
  });

  async function open(token: string, query = '', size = { width: 1_440, height: 900 }): Promise<Page> {
    context = await browser.newContext({ viewport: size, locale: 'en-GB', reducedMotion: 'reduce' });
    await context.addInitScript(`localStorage.setItem('token', ${JSON.stringify(token)})`);
    tab = await context.newPage();
    tab.on('console', (message) => complaints.push(message.text()));
    tab.on('pageerror', (error) => complaints.push(`uncaught ${error.message}`));
    await tab.goto(`${pages.trustedOrigin}/inboxes.html${query}`);
    return tab;
  }
  const own = () => tab.locator('#root .tocsin-inbox');
  const inShadow = () => tab.locator('#shadow .tocsin-inbox');
  const bell = (inbox: Locator) => inbox.locator('.tocsin-bell');
  const dialog = (inbox: Locator) => inbox.getByRole('dialog');
  const publish = (severity: string, title: string, more: Record<string, unknown> = {}) =>
    stack.amqp.publish(`alert.${severity}.inventory`, { tenant_id: 'bakery', title, ...more });
  const ana = (claims = {}) => tokenFor('ana.lopez@shop.test', { ...MAY_ACT, ...claims });
  const picture = (name: string) => tab.screenshot({ path: join(ARTIFACTS, `${name}.png`) });
  const focused = () =>
    tab.evaluate('(document.activeElement.shadowRoot?.activeElement ?? document.activeElement).className');

  it('counts what is unseen, urgent or high; opening one of two clears it for every later page', async () => {
    await publish('urgent', 'Flour is out');
    await publish('high', 'Oven is cold');
    await publish('low', 'A crate is late');
    await open(ana());
    for (const inbox of [own(), inShadow()]) {
      await inbox.getByRole('button', { name: 'Alerts: 2 new, 1 urgent' }).waitFor({ timeout: PATIENCE_MS });
      expect(await inbox.locator('.tocsin-count').textContent()).toBe('2');
      // the number has the shape of the worst severity beside it
      expect(await inbox.locator('.tocsin-count svg').getAttribute('class')).toContain('tocsin-urgent');
    }
    await eventually(() => expect(pages.openStreams).toBe(1), PATIENCE_MS);
    const kept = tab.waitForResponse((one) => one.url().endsWith('/me/cursor') && one.request().method() === 'PUT');
    await bell(own()).click();
    await own().getByRole('listitem').filter({ hasText: 'A crate is late' }).waitFor();
    await own().getByRole('button', { name: 'Alerts: nothing new' }).waitFor({ timeout: PATIENCE_MS });
    await kept;
    await tab.reload();
    await own().getByRole('button', { name: 'Alerts: nothing new' }).waitFor({ timeout: PATIENCE_MS });
    await publish('high', 'Oven is hot');
    await own().getByRole('button', { name: 'Alerts: 1 new' }).waitFor({ timeout: PATIENCE_MS });
  });

  it('shows a number that is a lower bound with a plus, and says so', async () => {
    for (let at = 0; at < 60; at += 1) await publish('high', `Crowd ${at}`, { tenant_id: 'crowd' });
    await eventually(
      async () => expect((await stack.rows()).filter(({ tenant_id }) => tenant_id === 'crowd')).toHaveLength(60),
      PATIENCE_MS,
    );
    await open(tokenFor('cleo@shop.test', MAY_ACT));
    await own().getByRole('button', { name: 'Alerts: at least 50 new' }).waitFor({ timeout: PATIENCE_MS });
    expect(await own().locator('.tocsin-count').textContent()).toBe('50+');
  });

  it.each([
    ['in the page', own],
    ['in a shadow root', inShadow],
  ])('%s it shows the details of an alert, and does what the user asks for', async (where, inboxOf) => {
    const title = `Mixer stopped ${where}`;
    await open(ana());
    const inbox = inboxOf();
    await eventually(() => expect(pages.openStreams).toBe(1), PATIENCE_MS);
    await publish('urgent', title, {
      message: 'Line 1\nLine 2',
      labels: { site: 'north' },
      actions: [{ label: 'Runbook', url: 'https://wiki.test/mixer' }],
    });
    await bell(inbox).click();
    await dialog(inbox).getByRole('button', { name: title, exact: true }).click({ timeout: PATIENCE_MS });
    const details = inbox.locator('.tocsin-details');
    expect(await focused()).toContain('tocsin-plain');
    await details.getByText('North Bakery').waitFor();
    await details.getByText('Line 1 Line 2').waitFor();
    await details.getByText('north', { exact: true }).waitFor();
    expect(await details.getByRole('link', { name: 'Runbook' }).getAttribute('href')).toBe('https://wiki.test/mixer');
    await details.getByRole('button', { name: 'Assign to me' }).click();
    await details.locator('.tocsin-meta').getByText('assigned to you').waitFor();
    await details.getByRole('button', { name: 'Acknowledge' }).click();
    await details.getByRole('button', { name: 'Take back' }).waitFor();
    // the button that was clicked is gone, and the keyboard is still where it was
    expect(await focused()).toBe('tocsin-acts');
    await details.getByRole('button', { name: 'Snooze' }).click();
    await details.getByRole('button', { name: 'For 4 hours' }).click();
    await details.getByText(/snoozed until/).waitFor();
    await details.getByRole('button', { name: 'Resolve' }).click();
    await details.locator('.tocsin-change').getByText('Resolved').waitFor({ timeout: PATIENCE_MS });
    expect(await details.locator('.tocsin-change').allTextContents()).toEqual([
      'Resolved',
      'Snoozed',
      'Acknowledged',
      'Assigned to you',
      'Raised',
    ]);
    // the absolute time is the tooltip of the relative one
    expect(await details.locator('.tocsin-history time').first().getAttribute('title')).toMatch(
      /\d{4}, \d{1,2}:\d{2}:\d{2}/,
    );
    await picture(`details-${where.replaceAll(' ', '-')}`);
    await details.getByRole('button', { name: 'Back' }).click();
    // the alert is resolved and left the list, so the focus is on the panel
    expect(await focused()).toContain('tocsin-panel');
    await tab.getByRole('heading', { name: 'Shop' }).click();
    await dialog(inbox).waitFor({ state: 'detached' });
  });

  it('has tabs that the arrow keys move through, and Escape gives the focus back to the bell', async () => {
    await publish('urgent', 'Only for Ana');
    await open(ana());
    await bell(own()).focus();
    await tab.keyboard.press('Enter');
    await own().getByRole('button', { name: 'Acknowledge: Only for Ana' }).waitFor({ timeout: PATIENCE_MS });
    await own().getByRole('tab', { name: 'All' }).focus();
    await tab.keyboard.press('ArrowRight');
    expect(await own().getByRole('tab', { selected: true }).textContent()).toBe('Mine');
    await own().getByText('No alert is assigned to you.').waitFor({ timeout: PATIENCE_MS });
    await tab.keyboard.press('ArrowRight');
    await own()
      .getByRole('tabpanel', { name: 'Urgent' })
      .getByText('Only for Ana', { exact: true })
      .waitFor({ timeout: PATIENCE_MS });
    await own().getByRole('button', { name: 'Acknowledge: Only for Ana' }).focus();
    await tab.keyboard.press('Enter');
    await own().getByText('assigned to you').waitFor();
    expect(await focused()).toContain('tocsin-title');
    await tab.keyboard.press('Escape');
    await dialog(own()).waitFor({ state: 'detached' });
    expect(await focused()).toBe('tocsin-bell');
  });

  it.each([
    ['light', 'en', 1_440],
    ['dark', 'es', 1_440],
    ['light', 'es', 400],
    ['dark', 'en', 400],
  ])(
    'has nothing serious for axe to find, and nothing that is cut off: %s, %s, %d px',
    async (scheme, locale, width) => {
      await publish('urgent', 'La harina se acaba', { labels: { site: 'north' }, message: 'Quedan 2 kg' });
      await publish('medium', 'A crate is late', { tenant_id: 'mill' });
      await open(ana(), `?scheme=${scheme}&locale=${locale}`, { width, height: 900 });
      for (const [name, inbox] of [
        ['page', own()],
        ['shadow', inShadow()],
      ] as const) {
        await bell(inbox).click();
        await dialog(inbox).getByRole('listitem').first().waitFor({ timeout: PATIENCE_MS });
        const title = dialog(inbox).getByRole('button', { name: 'La harina se acaba', exact: true }).first();
        await title.waitFor({ timeout: PATIENCE_MS });
        await picture(`list-${name}-${scheme}-${locale}-${width}`);
        expect(await barriersIn(tab)).toEqual([]);
        await title.click();
        await dialog(inbox).locator('.tocsin-history li').first().waitFor({ timeout: PATIENCE_MS });
        await picture(`details-${name}-${scheme}-${locale}-${width}`);
        expect(await barriersIn(tab)).toEqual([]);
        const { left, right } = await dialog(inbox).evaluate((panel) => panel.getBoundingClientRect());
        expect([left >= 0, right <= width]).toEqual([true, true]);
        await dialog(inbox)
          .getByRole('button', { name: locale === 'es' ? 'Cerrar' : 'Close' })
          .click();
      }
      expect(await tab.evaluate('document.documentElement.scrollWidth <= innerWidth')).toBe(true);
    },
  );

  it('links titles to pages of the application, and shows the details with a button beside them', async () => {
    await publish('urgent', 'Yeast is old');
    await open(ana(), '?links');
    // a bell at the beginning of the line: the panel opens towards the other side
    await tab.evaluate(`document.querySelector('.inboxes').style.justifyContent = 'flex-start'`);
    await bell(own()).click();
    const link = dialog(own()).getByRole('link', { name: 'Yeast is old' });
    expect(await link.getAttribute('href', { timeout: PATIENCE_MS })).toMatch(/^#alert=[\w-]{36}$/);
    const { left } = await dialog(own()).evaluate((panel) => panel.getBoundingClientRect());
    expect(left).toBeGreaterThanOrEqual(0);
    const opener = dialog(own()).getByRole('button', { name: 'Details: Yeast is old' });
    await opener.click();
    await own().getByRole('heading', { name: 'Yeast is old' }).getByRole('link').waitFor();
    await own().getByRole('button', { name: 'Back' }).click();
    expect(await tab.evaluate('document.activeElement.getAttribute("aria-label")')).toBe('Details: Yeast is old');
    await link.click();
    expect(new URL(tab.url()).hash).toMatch(/^#alert=/);
  });

  it('is dark on a light page when it is asked to be, and changes nothing of the page', async () => {
    const look = `['h1', '#cake', 'a', 'p'].map((one) => JSON.stringify(Object.fromEntries([...getComputedStyle(document.querySelector(one))].map((name) => [name, getComputedStyle(document.querySelector(one)).getPropertyValue(name)]))))`;
    await open(ana(), '?scheme=dark');
    await bell(own()).waitFor();
    const withStyles = await tab.evaluate(look);
    await tab.evaluate(`document.querySelector('[href="/inboxes.css"]').remove()`);
    expect(await tab.evaluate(look)).toEqual(withStyles);
    await bell(inShadow()).click();
    const background = `getComputedStyle(document.getElementById('shadow').shadowRoot.querySelector('.tocsin-panel')).backgroundColor`;
    expect(await tab.evaluate(background)).toBe('rgb(20, 24, 31)');
  });

  it('says in words that nothing is open, and what offline means', async () => {
    await open(tokenFor('dora@shop.test', MAY_ACT));
    await bell(own()).click();
    await own().getByText('All quiet.').waitFor({ timeout: PATIENCE_MS });
    await context.setOffline(true);
    await own().getByText('You are offline').waitFor({ timeout: PATIENCE_MS });
    await own()
      .getByText(/New alerts may be missing here/)
      .waitFor();
    // "all quiet" would be more than is known
    await own()
      .getByText(/^Nothing was open, as of \d/)
      .waitFor();
    expect(await own().getByText('All quiet.').count()).toBe(0);
    await picture('offline');
    await context.setOffline(false);
    await own().getByText('All quiet.').waitFor({ timeout: PATIENCE_MS });
  });

  it.each([
    [
      'refused',
      () => tokenFor('ana.lopez@shop.test', { exp: 1_000 }),
      'Your session has ended',
      'No new alerts come until you sign in.',
    ],
    [
      'not allowed to read',
      () => tokenFor('ana.lopez@shop.test', { scope: 'events:publish' }),
      'You may not see alerts',
      'Ask the person who manages your account for access.',
    ],
  ])('says that a token is %s, at the bell and in the panel', async (name, token, state, advice) => {
    await open(token());
    await own()
      .getByRole('button', { name: `Alerts: ${state}` })
      .click({ timeout: PATIENCE_MS });
    await dialog(own()).getByText(state, { exact: true }).waitFor();
    await dialog(own()).getByText(advice).waitFor();
    await picture(name.replaceAll(' ', '-'));
    expect(await barriersIn(tab)).toEqual([]);
  });

  it('toasts an acknowledged alert that becomes urgent, without a button that could do nothing', async () => {
    await open(tokenFor('ben@shop.test', MAY_ACT));
    await eventually(() => expect(pages.openStreams).toBe(1), PATIENCE_MS);
    const say = (severity: string) => publish(severity, 'The dough rises', { dedup_key: 'dough' });
    const toast = own().locator('.tocsin-toast').filter({ hasText: 'The dough rises' });
    const acknowledge = toast.getByRole('button', { name: 'Acknowledge: The dough rises' });
    await say('medium');
    const acted = tab.waitForResponse((one) => one.request().method() === 'PATCH' && one.ok());
    await acknowledge.click({ timeout: PATIENCE_MS });
    await toast.waitFor({ state: 'detached', timeout: PATIENCE_MS });
    await acted;
    await say('urgent');
    await toast.getByText('acknowledged').waitFor({ timeout: PATIENCE_MS });
    expect(await acknowledge.count()).toBe(0);
    await say('urgent');
    await toast.getByText('×3').waitFor({ timeout: PATIENCE_MS });
    await toast.getByRole('button', { name: 'Dismiss: The dough rises' }).click();
    await toast.waitFor({ state: 'detached', timeout: PATIENCE_MS });
  });

  it('lets toasts go by themselves after one was dismissed with the keyboard', async () => {
    await open(tokenFor('ben@shop.test', MAY_ACT));
    await eventually(() => expect(pages.openStreams).toBe(1), PATIENCE_MS);
    const toast = (title: string) => own().locator('.tocsin-toast').filter({ hasText: title });
    await publish('urgent', 'Pressed away');
    await toast('Pressed away').getByRole('button', { name: 'Dismiss: Pressed away' }).focus({ timeout: PATIENCE_MS });
    await tab.keyboard.press('Enter');
    await toast('Pressed away').waitFor({ state: 'detached', timeout: PATIENCE_MS });
    await publish('medium', 'Goes by itself');
    await toast('Goes by itself').waitFor({ timeout: PATIENCE_MS });
    await toast('Goes by itself').waitFor({ state: 'detached', timeout: PATIENCE_MS });
  });

  it('loads a history that could not be loaded when the connection is back', async () => {
    await publish('medium', 'History is late');
    await open(ana());
    await eventually(() => expect(pages.openStreams).toBe(1), PATIENCE_MS);
    await bell(own()).click();
    await tab.route(/\/alerts\/[\w-]+\/history/, (route) => route.abort());
    await dialog(own()).getByRole('button', { name: 'History is late', exact: true }).click({ timeout: PATIENCE_MS });
    const history = own().locator('.tocsin-history');
    await history.getByRole('alert').waitFor({ timeout: PATIENCE_MS });
    await tab.unroute(/\/alerts\/[\w-]+\/history/);
    await context.setOffline(true);
    await own().getByText('You are offline').waitFor({ timeout: PATIENCE_MS });
    await context.setOffline(false);
    await history.getByText('Raised').waitFor({ timeout: PATIENCE_MS });
    expect(await history.getByRole('alert').count()).toBe(0);
  });

  it('says in the chosen language why an act was refused', async () => {
    await publish('urgent', 'Eve may only look');
    await open(tokenFor('eve@shop.test', MAY_ACT), '?locale=es');
    await bell(own()).click();
    await own().getByRole('button', { name: 'Reconocer: Eve may only look' }).last().click({ timeout: PATIENCE_MS });
    await dialog(own()).getByRole('alert').getByText('Su rol solo permite leer.').waitFor({ timeout: PATIENCE_MS });
  });

  it('says beside the toasts that an act on one was refused, and shows that toast again', async () => {
    await open(tokenFor('eve@shop.test', MAY_ACT), '?locale=es');
    await eventually(() => expect(pages.openStreams).toBe(1), PATIENCE_MS);
    await publish('urgent', 'Eve hears it');
    const toast = own().locator('.tocsin-toast').filter({ hasText: 'Eve hears it' });
    await toast.getByRole('button', { name: 'Reconocer: Eve hears it' }).click({ timeout: PATIENCE_MS });
    const refusal = own().locator('.tocsin-toast').filter({ hasText: 'Su rol solo permite leer.' });
    await refusal.waitFor({ timeout: PATIENCE_MS });
    await toast.waitFor({ timeout: PATIENCE_MS });
    await picture('toast-refused');
    await refusal.getByRole('button').click();
    await refusal.waitFor({ state: 'detached', timeout: PATIENCE_MS });
    await toast.waitFor({ timeout: PATIENCE_MS });
  });
});
