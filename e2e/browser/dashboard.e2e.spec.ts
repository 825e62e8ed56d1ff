import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { eventually } from '@tocsin/contracts/testing';
import { ask } from '../kit/http';
import { describeWith } from '../kit/programs';
import { Stack } from '../kit/stack';
import { makeToken, nowSeconds, tokenFor } from '../kit/tokens';
import { barriersIn, MAY_ACT, picture, rowOf as row, Visits } from './dashboard-visits';

const ROOT = join(__dirname, '..', '..');
const BUILT = join(ROOT, 'dist', 'apps', 'dashboard', 'assets');
/** How long a new alert, or another user's act, may take to appear on the screen. */
const SOON_MS = 1_000;
const FIRST_SCRIPT_BYTES = 200 * 1_024;
const HOSTILE = '<img src=x onerror="window.hacked=1"><script>window.hacked=1</script>';

describeWith('chromium', 'the page', () => {
  let visits: Visits;
  let stack: Stack;
  beforeAll(async () => {
    const opening = Visits.open();
    stack = await Stack.open({ tenants: { 'ana@example.test': ['bakery'], 'ben@example.test': ['bakery'] } });
    visits = await opening;
  }, 60_000);
  afterEach(() => visits.end());
  afterAll(async () => {
    await visits?.close();
    await stack?.close();
  });

  const publish = (id: string, more: Record<string, unknown> = {}, severity = 'urgent') =>
    stack.amqp.publish(`alert.${severity}.inventory`, { tenant_id: 'bakery', id, title: id, ...more });

  const signedIn = (user: string, query = '') => visits.signedIn(stack.gateway.url, `${user}@example.test`, { query });

  it('shows an alert that a service published over AMQP, with its toast, within a second, and keeps no token in the address', async () => {
    const page = await signedIn('ana');
    expect(page.url()).toBe(`${stack.gateway.url}/`);
    const startedAt = performance.now();
    await publish('Flour is low', { message: '2 kg left' });
    await Promise.all([
      row(page, 'Flour is low').waitFor(),
      page.getByTestId('toast').filter({ hasText: 'Flour is low' }).waitFor(),
    ]);
    expect(performance.now() - startedAt).toBeLessThan(SOON_MS);
    await eventually(async () => expect(await page.getByTestId('open-urgent').textContent()).toBe('1'), 5_000);
    await picture(page, 'show-1.1-published-over-amqp');
    expect(visits.failuresOf(page)).toEqual([]);
  });

  it('shows in one window what a user did in another, within a second and with the name, and undoes it', async () => {
    await publish('Oven 2 is cold');
    const [ana, ben] = await Promise.all([signedIn('ana'), signedIn('ben')]);
    await row(ana, 'Oven 2 is cold').click();
    await Promise.all([row(ana, 'Oven 2 is cold').waitFor(), row(ben, 'Oven 2 is cold').waitFor()]);
    const startedAt = performance.now();
    await ana.keyboard.press('a');
    await row(ben, 'Oven 2 is cold')
      .and(ben.locator('[data-status=acknowledged]'))
      .filter({ hasText: 'Ana' })
      .waitFor();
    expect(performance.now() - startedAt).toBeLessThan(SOON_MS);
    await picture(ben, 'show-1.2-acknowledged-in-the-other-window');
    await ana.keyboard.press('z');
    await row(ben, 'Oven 2 is cold').and(ben.locator('[data-status=firing]')).waitFor();
    await ana.getByTestId('history').getByText('Acknowledgement taken back').waitFor();
  });

  it('says that another user was faster, and shows what they did', async () => {
    await publish('Two at once');
    const page = await signedIn('ana');
    await row(page, 'Two at once').waitFor();
    const id = (await row(page, 'Two at once').getAttribute('data-alert'))!;
    // ben resolves the alert just before ana's act arrives, so the refusal does not depend on what the page has heard
    await page.route(`**/api/v1/alerts/${id}`, async (route) => {
      if (route.request().method() !== 'PATCH') return route.continue();
      await ask(stack.gateway.url, `/api/v1/alerts/${id}`, {
        method: 'PATCH',
        headers: {
          Authorization: `Bearer ${tokenFor('ben@example.test', MAY_ACT)}`,
          'Content-Type': 'application/json',
        },
        body: JSON.stringify({ act: 'resolve' }),
      });
      return route.continue();
    });
    await row(page, 'Two at once').focus();
    await page.keyboard.press('a');
    await page.getByText('Somebody was faster').waitFor();
    await row(page, 'Two at once').and(page.locator('[data-status=resolved]')).waitFor();
  });

  it('loaded again, shows the same list, what happened meanwhile, and no toast a second time', async () => {
    const page = await signedIn('ana');
    await publish('Before the reload');
    await page.getByTestId('toast').filter({ hasText: 'Before the reload' }).waitFor();
    await page.goto('about:blank');
    await publish('During the reload');
    await page.goto(stack.gateway.url);
    await Promise.all([
      row(page, 'During the reload').waitFor(),
      row(page, 'Before the reload').waitFor(),
      page.locator('[data-state-name=live]').waitFor(),
    ]);
    // after such a short absence, missed alerts are toasted as if they were live
    await page.getByTestId('toast').filter({ hasText: 'During the reload' }).waitFor();
    expect(await page.getByTestId('gap').count()).toBe(0);
    expect(await page.getByTestId('toast').count()).toBe(1);
    expect(await row(page, 'Before the reload').count()).toBe(1);
    await picture(page, 'show-1.3-loaded-again');
  });

  it('shows text as text everywhere, and links only http addresses', async () => {
    const page = await signedIn('ana');
    await publish('hostile', {
      title: HOSTILE,
      message: `${HOSTILE} javascript:alert(1) https://example.test/x`,
      labels: { [`a`]: HOSTILE },
      metadata: { [HOSTILE]: HOSTILE },
    });
    await page.getByTestId('toast').filter({ hasText: '<script>' }).waitFor();
    await row(page, '<script>').first().click();
    const drawer = page.getByTestId('drawer');
    await drawer.getByRole('heading', { name: HOSTILE }).waitFor();
    await drawer.getByText('Metadata').click();
    expect(await page.evaluate('window.hacked')).toBeUndefined();
    expect(await page.locator('img, [onerror]').count()).toBe(0);
    const links = await drawer
      .getByRole('link')
      .evaluateAll((all) => all.map((one) => [one.getAttribute('href'), one.getAttribute('rel')]));
    expect(links).toEqual([['https://example.test/x', 'noopener noreferrer']]);
    await picture(page, 'hostile');
  });

  it('is worked by the keyboard alone', async () => {
    await Promise.all([publish('Key one', {}, 'high'), publish('Key two', {}, 'high')]);
    const page = await signedIn('ana', '?q=key');
    await eventually(async () => expect(await page.locator('[data-alert]').count()).toBe(2));
    const focused = () =>
      page.evaluate<string>(
        `document.activeElement.closest('[data-alert]')?.textContent ?? document.activeElement.tagName`,
      );
    const press = async (...keys: string[]) => {
      for (const key of keys) await page.keyboard.press(key);
    };
    await press('j', 'Enter');
    const drawer = page.getByTestId('drawer');
    await drawer.waitFor();
    await press('n');
    await eventually(async () => expect(await focused()).toBe('INPUT'));
    await page.keyboard.type('on my way');
    await press('Enter');
    await page.getByTestId('history').getByText('on my way').waitFor();
    await page.evaluate('document.activeElement.blur()');
    await press('Escape');
    await drawer.waitFor({ state: 'detached' });
    await eventually(async () => expect(await focused()).toContain('Key'));
    await press('Home', 'x', 'Shift+J');
    await page.getByTestId('bulk').getByText('2 selected').waitFor();
    await press('a');
    await eventually(async () => expect(await page.locator('[role=row][data-status=acknowledged]').count()).toBe(2));
    await press('z');
    await eventually(async () => expect(await page.locator('[role=row][data-status=firing]').count()).toBe(2));
    await press('r', 'g', 'r');
    await eventually(() => expect(page.url()).toContain('view=resolved'));
    await page.locator('[role=row][data-status=resolved]').first().waitFor();
    await press('/');
    await eventually(async () => expect(await focused()).toBe('INPUT'));
    await page.keyboard.type(' severity:urgent');
    await press('Enter', 'Escape');
    await eventually(() => expect(decodeURIComponent(page.url())).toContain('severity:urgent'));
    await page.evaluate('document.activeElement.blur()');
    await press('?');
    await page.getByRole('dialog').getByText('Acknowledge').waitFor();
    await press('Escape');
    await press('t');
    await eventually(async () => expect(await page.evaluate('document.documentElement.dataset.theme')).toBe('dark'));
    await press('p');
    await page.getByTestId('pill').getByText('Paused').waitFor();
  });

  it.each([
    ['light', 1_440],
    ['dark', 1_440],
    ['light', 900],
    ['dark', 400],
  ] as const)('has nothing serious for axe to find: %s, %d px', async (colorScheme, width) => {
    await publish(`Seen at ${width} ${colorScheme}`, { message: 'a text', labels: { site: 'north' } });
    const page = await signedIn('ana');
    await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
    await page.setViewportSize({ width, height: 900 });
    await row(page, `Seen at ${width} ${colorScheme}`).waitFor();
    await picture(page, `list-${colorScheme}-${width}`);
    expect(await barriersIn(page)).toEqual([]);
    await row(page, `Seen at ${width} ${colorScheme}`).click();
    await page.getByTestId('history').getByText('Raised').waitFor();
    await picture(page, `details-${colorScheme}-${width}`);
    expect(await barriersIn(page)).toEqual([]);
  });

  it.each([
    ['expired', makeToken({ claims: { sub: 'ana@example.test', exp: 1_000 } }), 'has expired'],
    ['malformed', 'no.token', 'is no token'],
    [
      'foreign',
      makeToken({
        claims: { sub: 'ana@example.test', exp: nowSeconds() + 600 },
        key: 'somebody-elses-secret-of-thirty-two-bytes',
      }),
      'does not accept that token',
    ],
  ])('explains in a sentence that a token is %s, and lets the user enter another', async (_, token, sentence) => {
    const page = await visits.blank();
    await page.goto(`${stack.gateway.url}/#token=${token}`);
    await page.getByRole('alert').filter({ hasText: sentence }).waitFor();
    await page.getByRole('textbox', { name: 'Token' }).fill(tokenFor('ana@example.test', MAY_ACT));
    await page.keyboard.press('Enter');
    await page.locator('[data-state-name=live]').waitFor();
    await page.getByRole('textbox', { name: 'Token' }).waitFor({ state: 'detached' });
  });

  it('is small, is cached by browsers for ever except for its index, and runs no inline script', async () => {
    const scripts = readdirSync(BUILT).filter((name) => /^index-.*\.js$/.test(name));
    // what the browser needs before it can show the page: the script, and the parts of it that the index preloads
    const preloaded = [
      ...readFileSync(join(BUILT, '..', 'index.html'), 'utf8').matchAll(/modulepreload[^>]*\/assets\/([^"]+)/g),
    ];
    const bytes = [scripts[0]!, ...preloaded.map(([, name]) => name!)].reduce(
      (sum, name) => sum + gzipSync(readFileSync(join(BUILT, name)), { level: 9 }).length,
      0,
    );
    expect(bytes).toBeLessThan(FIRST_SCRIPT_BYTES);
    const [index, script, nothing] = await Promise.all(
      ['/', `/assets/${scripts[0]}`, '/assets/nothing.js'].map((path) =>
        ask(stack.gateway.url, path, { headers: { Accept: 'text/html,*/*', 'Accept-Encoding': 'br' } }),
      ),
    );
    expect(index!.headers).toMatchObject({
      'cache-control': 'no-cache',
      'content-security-policy': expect.stringContaining("script-src 'self';") as string,
    });
    expect(script!.headers).toMatchObject({
      'cache-control': 'public, max-age=31536000, immutable',
      'content-encoding': 'br',
    });
    expect(nothing).toMatchObject({ status: 404, json: { code: 'not_found' } });
  });
});
