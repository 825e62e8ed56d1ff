import { createHash } from 'node:crypto';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { eventually } from '@tocsin/contracts/testing';
import { openBrowser } from '../kit/browser';
import { OpenIdProvider } from '../kit/openid-provider';
import { describeWith } from '../kit/programs';
import { Stack } from '../kit/stack';
import { nowSeconds, tokenFor } from '../kit/tokens';
import { hasSettled, MAY_ACT, picture } from './dashboard-visits';
import { withChosenBuild } from './page-copy';
import { PageServer } from './page-server';

const ANA = 'ana@example.test';
/** A user of the provider, but of no tenant. */
const EVE = 'eve@example.test';
/** The lifetime of an access token: the gateway renews it when a third is left. */
const TOKEN_SECONDS = 12;
/** Three renewals take two thirds of three lives. */
const LIMIT_MS = 180_000;
const LATE_MS = 20_000;
const PLAIN_COOKIE = 'tocsin_session';

let browser: Browser;
let context: BrowserContext;
let page: Page;
let stack: Stack;
let proxy: PageServer;

const opened = async (to: BrowserContext, address: string): Promise<Page> => {
  const tab = await to.newPage();
  tab.setDefaultTimeout(LATE_MS);
  await tab.goto(address);
  return tab;
};
const publish = (title: string) =>
  stack.amqp.publish('alert.urgent.inventory', { tenant_id: 'bakery', title, id: title });
const row = (tab: Page, title: string) => tab.locator('[data-alert]', { hasText: title });
const asks = () => proxy.asked.length;

describeWith('chromium', 'signing in through an OpenID provider', () => {
  let provider: OpenIdProvider;
  let origin: string;
  beforeAll(async () => {
    proxy = await PageServer.start();
    proxy.passesAll = true;
    origin = proxy.trustedOrigin;
    provider = await OpenIdProvider.start({ publicUrl: origin, tokenSeconds: TOKEN_SECONDS });
    stack = await Stack.open({
      tenants: { [ANA]: ['bakery'], [EVE]: [] },
      gatewayEnvironment: { HEARTBEAT_MS: '1000', ...provider.settings(origin) },
    });
    proxy.gateway = stack.gateway.url;
    browser = await openBrowser();
  }, 60_000);
  beforeEach(async () => {
    context = await browser.newContext({ viewport: { width: 1_280, height: 800 }, locale: 'en-GB' });
    await withChosenBuild(context);
    // the provider's own pages ask for fonts of other hosts, and a machine without a network would wait for them
    await context.route(
      ({ hostname }) => hostname !== '127.0.0.1' && hostname !== 'localhost',
      (route) => route.abort(),
    );
  });
  afterEach(() => context?.close());
  afterAll(async () => {
    await browser?.close();
    await stack?.close();
    await provider?.close();
    await proxy?.close();
  });

  const signIn = async (address: string, user = ANA): Promise<Page> => {
    const tab = await opened(context, address);
    await tab.getByRole('button', { name: 'Sign in' }).click();
    await tab.locator('input[name=login]').fill(user);
    await tab.locator('input[name=password]').fill('any');
    await tab.locator('button[type=submit]').click();
    // the provider asks whether Tocsin may have the scopes
    await tab.waitForURL(/\/interaction\//);
    await tab.getByRole('button', { name: 'Continue' }).click();
    await tab.waitForURL((url) => url.origin === origin);
    return tab;
  };
  const cookieOf = async () => (await context.cookies(origin)).find(({ name }) => name === PLAIN_COOKIE);
  /** How often the tokens of this browser's session were stored; 0 when it has ended. */
  const versionOf = async (secret?: string) => {
    const id = createHash('sha256')
      .update(secret ?? (await cookieOf())!.value)
      .digest('base64url');
    const [session] = await stack.sql<{ version: number }>('select version from tocsin.session where session_id = $1', [
      id,
    ]);
    return session?.version ?? 0;
  };

  test('a link to an alert opens it after the sign-in, in that tab and in a new one, and no script sees a token', async () => {
    await publish('Oven is cold');
    await stack.stored(1);
    const [alert] = await stack.sql<{ alert_id: string }>('select alert_id from tocsin.alert limit 1');
    const address = `${origin}/?alert=${alert!.alert_id}`;
    page = await opened(context, address);
    await page.getByRole('button', { name: 'Sign in' }).waitFor();
    expect(await page.locator('textarea').count()).toBe(0);
    await picture(page, 'sign-in-provider');
    await page.close();
    page = await signIn(address);
    await page.getByRole('heading', { name: 'Oven is cold' }).waitFor();
    expect(page.url()).toBe(address);
    expect(await cookieOf()).toMatchObject({ httpOnly: true, sameSite: 'Lax', path: '/' });
    const seen = await page.evaluate('JSON.stringify([document.cookie, {...localStorage}, {...sessionStorage}])');
    expect(seen).not.toMatch(/tocsin_session|eyJ/);
    const another = await opened(context, address);
    await another.getByRole('heading', { name: 'Oven is cold' }).waitFor();
    expect(await another.getByRole('button', { name: 'Sign in' }).count()).toBe(0);
    // an act goes with the cookie, because it comes from the page
    await another.getByRole('button', { name: 'Acknowledge' }).first().click();
    await eventually(async () => {
      const [{ status } = { status: '' }] = await stack.sql<{ status: string }>('select status from tocsin.alert');
      expect(status).toBe('acknowledged');
    }, LATE_MS);
  });

  test(
    'a stream goes on while its token is renewed three times, and ends everywhere when its user signs out',
    async () => {
      page = await signIn(`${origin}/`);
      const other = await opened(context, `${origin}/`);
      await row(other, 'Oven is cold').waitFor();
      const streams = () => proxy.asked.filter(({ url }) => /^\/api\/events(\?|$)/.test(url)).length;
      await eventually(() => Promise.resolve(expect(proxy.openStreams).toBe(1)), LATE_MS);
      const before = { streams: streams(), version: await versionOf() };
      for (let number = 1; number <= 3; number += 1) {
        await eventually(
          async () => expect(await versionOf()).toBeGreaterThanOrEqual(before.version + number),
          LATE_MS,
        );
        await publish(`Renewal ${number}`);
        await row(page, `Renewal ${number}`).waitFor();
      }
      expect(streams()).toBe(before.streams);
      await picture(page, 'sign-in-renewed');

      const secret = (await cookieOf())!.value;
      const cookie = `${PLAIN_COOKIE}=${secret}`;
      const ask = (path: string) => fetch(stack.gateway.url + path, { headers: { cookie } });
      expect((await ask('/api/v1/session')).status).toBe(200);
      await page.getByRole('button', { name: /^Settings/ }).click();
      await page.getByRole('menuitem', { name: 'Sign out' }).click();
      // the provider asks too
      await page.waitForURL((url) => url.origin !== origin);
      await page.locator('button[name=logout], button[value=yes]').first().click();
      await page.getByRole('button', { name: 'Sign in' }).waitFor();
      await other.getByRole('button', { name: 'Sign in' }).waitFor();
      await eventually(() => Promise.resolve(expect(proxy.openStreams).toBe(0)), LATE_MS);
      for (const path of ['/api/v1/session', '/api/v1/tenants', '/api/events']) {
        const answer = await ask(path);
        expect([path, answer.status, ((await answer.json()) as { code: string }).code]).toEqual([
          path,
          401,
          'session_ended',
        ]);
      }
      expect(await versionOf(secret)).toBe(0);
    },
    LIMIT_MS,
  );

  test(
    'the documents of the API are tried with the cookie, and a change comes from their page',
    async () => {
      await signIn(`${origin}/`);
      page = await opened(context, `${origin}/docs`);
      await page.locator('.session').getByText(`are sent as ${ANA}, with the session of this browser`).waitFor();
      // Swagger UI takes seconds to draw every operation
      await page.locator('[id$="issueTicket"]').waitFor({ timeout: 2 * LATE_MS });
      for (const [operation, path] of [
        ['listTenants', '/api/v1/tenants'],
        ['issueTicket', '/api/events/ticket'],
      ] as const) {
        const asked = page.waitForResponse((response) => new URL(response.url()).pathname === path);
        await page.locator(`[id$="${operation}"] .opblock-summary-control`).click();
        await page.locator(`[id$="${operation}"] .execute`).click();
        const answer = await asked;
        expect([operation, answer.ok(), answer.request().headers().authorization]).toEqual([
          operation,
          true,
          undefined,
        ]);
      }
    },
    LIMIT_MS,
  );

  test('another sign-in ends the session before it, and the other tabs go on with the new one', async () => {
    page = await signIn(`${origin}/`);
    const former = (await cookieOf())!.value;
    // the provider still knows the user, and asks only for the scopes
    const again = await opened(context, `${origin}/api/v1/session/sign-in?return_to=/`);
    await again.getByRole('button', { name: 'Continue' }).click();
    await again.waitForURL((url) => url.origin === origin && url.pathname === '/');
    expect((await cookieOf())!.value).not.toBe(former);
    await eventually(async () => expect(await versionOf(former)).toBe(0));
    expect(await versionOf()).toBeGreaterThan(0);
    const answer = await fetch(`${stack.gateway.url}/api/v1/session`, {
      headers: { cookie: `${PLAIN_COOKIE}=${former}` },
    });
    expect(answer.status).toBe(401);
    await publish('After the second sign-in');
    for (const tab of [page, again]) await row(tab, 'After the second sign-in').waitFor();
  });

  test('one without a tenant is told so, and no tab of the session asks for a stream again', async () => {
    // where tabs cannot share a connection, as in an old browser, nothing else bounds how often each of them asks
    await context.addInitScript('delete Navigator.prototype.locks');
    page = await signIn(`${origin}/`, EVE);
    const other = await opened(context, `${origin}/`);
    const refusals = () => proxy.asked.filter(({ url }) => /^\/api\/events(\?|$)/.test(url)).length;
    for (const tab of [page, other]) await tab.getByText('who has no tenant here').waitFor();
    await picture(page, 'sign-in-no-tenant');
    // what had begun before the refusal came may end
    await eventually(async () => {
      const before = refusals();
      await page.waitForTimeout(3_000);
      expect(refusals()).toBe(before);
    }, LATE_MS);
  });

  test('a stream whose session is good is tried once more after a refusal, and then goes on without a click', async () => {
    page = await signIn(`${origin}/`);
    const inState = (name: string) => page.getByTestId('pill').and(page.locator(`[data-state-name=${name}]`));
    const asked = { streams: 0, sessions: 0 };
    let refusals = Infinity;
    await page.route(/\/api\/events(\?|$)/, (route) => {
      asked.streams += 1;
      if (asked.streams > refusals) return route.fallback();
      const json = { type: 'about:blank', title: 'The token has expired', status: 401, code: 'token_expired' };
      return route.fulfill({ status: 401, contentType: 'application/problem+json', json });
    });
    await page.route('**/api/v1/session', (route) => {
      asked.sessions += 1;
      // the gateway knows who is signed in when the page is loaded, and not when the stream was refused
      return asked.sessions === 2 ? route.fulfill({ status: 503, body: 'away' }) : route.fallback();
    });
    await page.reload();
    await eventually(() => Promise.resolve(expect(asked.streams).toBe(2)), LATE_MS);
    await inState('signed_out').waitFor();
    await page.waitForTimeout(6_000);
    expect(asked.streams).toBe(2);

    Object.assign(asked, { streams: 0, sessions: 0 });
    refusals = 1;
    await page.reload();
    await inState('signed_out').waitFor();
    await inState('live').waitFor();
  });

  test('an act with the cookie from another page is refused', async () => {
    await signIn(`${origin}/`);
    const cookie = `${PLAIN_COOKIE}=${(await cookieOf())!.value}`;
    const answer = await fetch(`${stack.gateway.url}/api/v1/alerts/search`, {
      method: 'POST',
      headers: { cookie, origin: 'https://evil.example', 'content-type': 'application/json' },
      body: '{}',
    });
    expect([answer.status, ((await answer.json()) as { code: string }).code]).toEqual([403, 'cross_site_request']);
  });

  test('a sign-in that this browser did not begin is told by the page, which names its code', async () => {
    page = await opened(context, `${origin}/api/v1/session/callback?code=stolen&state=${'x'.repeat(43)}`);
    await page.getByText('sign_in_failed').waitFor();
    expect(await cookieOf()).toBeUndefined();
  });

  test('a provider that is away answers 503 and ends no session', async () => {
    page = await signIn(`${origin}/`);
    const cookie = `${PLAIN_COOKIE}=${(await cookieOf())!.value}`;
    const ask = async () => (await fetch(`${stack.gateway.url}/api/v1/session`, { headers: { cookie } })).status;
    await provider.setAway(true);
    try {
      await eventually(async () => expect(await ask()).toBe(503), LATE_MS);
    } finally {
      await provider.setAway(false);
    }
    await eventually(async () => expect(await ask()).toBe(200), 30_000);
    await publish('After the outage');
    await row(page, 'After the outage').waitFor();
  });
});

describeWith('chromium', 'signing in with a token', () => {
  beforeAll(async () => {
    proxy = await PageServer.start();
    proxy.passesAll = true;
    stack = await Stack.open({ tenants: { [ANA]: ['bakery'] }, gatewayEnvironment: { HEARTBEAT_MS: '1000' } });
    proxy.gateway = stack.gateway.url;
    browser = await openBrowser();
  }, 60_000);
  beforeEach(async () => {
    context = await browser.newContext({ viewport: { width: 1_280, height: 800 }, locale: 'en-GB' });
    await withChosenBuild(context);
  });
  afterEach(() => context?.close());
  afterAll(async () => {
    await browser?.close();
    await stack?.close();
    await proxy?.close();
  });

  test('a link to an alert in a new tab takes the session of the other tabs', async () => {
    await publish('Door is open');
    await stack.stored(1);
    const [alert] = await stack.sql<{ alert_id: string }>('select alert_id from tocsin.alert limit 1');
    page = await opened(context, `${proxy.origin}/#token=${tokenFor(ANA, MAY_ACT)}`);
    await row(page, 'Door is open').waitFor();
    const linked = await opened(context, `${proxy.origin}/?alert=${alert!.alert_id}`);
    await linked.getByRole('heading', { name: 'Door is open' }).waitFor();
  });

  test('a tab whose user signed out does not take the session of another tab', async () => {
    page = await opened(context, `${proxy.origin}/#token=${tokenFor(ANA, MAY_ACT)}`);
    const other = await opened(context, `${proxy.origin}/`);
    for (const tab of [page, other]) await row(tab, 'Door is open').waitFor();
    await other.getByRole('button', { name: /^Settings/ }).click();
    await other.getByRole('menuitem', { name: 'Sign out' }).click();
    await other.locator('textarea').waitFor();
    // a third tab is told the token, and the one that signed out hears it too
    const third = await opened(context, `${proxy.origin}/`);
    await row(third, 'Door is open').waitFor();
    expect(await other.locator('textarea').count()).toBe(1);
  });

  test('no item of the open menu moves when more of it is known, so that a click does what it was meant for', async () => {
    let arrives = (): void => undefined;
    const late = new Promise<void>((resolve) => (arrives = resolve));
    await context.route(/push-row-[^/]*\.js$/, (route) => late.then(() => route.continue()));
    page = await opened(context, `${proxy.origin}/#token=${tokenFor(ANA, MAY_ACT)}`);
    await row(page, 'Door is open').waitFor();
    await page.getByRole('button', { name: /^Settings/ }).click();
    const items = () =>
      page.getByRole('menuitem').evaluateAll((all) => all.map((one) => one.getBoundingClientRect().top));
    await hasSettled(page);
    const before = await items();
    arrives();
    await page.getByText(/: This (browser|installation) /).waitFor();
    expect(await items()).toEqual(before);
  });

  test('a token that is refused is asked with no more, until its user signs in again', async () => {
    page = await opened(context, `${proxy.origin}/#token=${tokenFor(ANA, { ...MAY_ACT, exp: nowSeconds() + 600 })}x`);
    await page.locator('textarea').waitFor();
    // what had begun before the refusal came may end
    await eventually(async () => {
      const before = asks();
      await page.waitForTimeout(1_500);
      expect(asks()).toBe(before);
    }, LATE_MS);
    const before = asks();
    await page.waitForTimeout(12_000);
    expect(asks() - before).toBe(0);
    await page.locator('textarea').fill(tokenFor(ANA, MAY_ACT));
    await page.getByRole('button', { name: 'Sign in' }).click();
    await row(page, 'Door is open').waitFor();
  });

  test('one who may only read is told why, and whom to ask', async () => {
    page = await opened(context, `${proxy.origin}/#token=${tokenFor(ANA)}`);
    await row(page, 'Door is open').click();
    await page.getByText('You may only read here').waitFor();
    await picture(page, 'read-only');
  });
});
