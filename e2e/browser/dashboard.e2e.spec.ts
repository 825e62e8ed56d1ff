import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import type { Page } from 'playwright-core';
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
/** When a test stops waiting for it. */
const LATE_MS = 12_000;
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

  /**
   * Does something until its effect is on the screen soon, at most three times: the first time much is done for the
   * first time, and other programs take their time too. `act` gives what is then shown: selectors and a text in each.
   * Gives back how often it was done. The page looks at each frame.
   */
  async function soonest(page: Page, act: (number: number) => Promise<string[][]>): Promise<number> {
    for (let number = 1; ; number += 1) {
      const startedAt = performance.now();
      const shown = JSON.stringify(await act(number));
      await page.evaluate(`(async () => {
        const isShown = ([what, text]) =>
          [...document.querySelectorAll(what)].some((one) => one.textContent.includes(text));
        for (const end = performance.now() + ${LATE_MS}; !${shown}.every(isShown); ) {
          if (performance.now() > end) throw new Error('It is not shown: ' + ${JSON.stringify(shown)});
          await new Promise(requestAnimationFrame);
        }
      })()`);
      const took = performance.now() - startedAt;
      if (took < SOON_MS) return number;
      if (number === 3) throw new Error(`It took ${Math.round(took)} ms, and longer than ${SOON_MS} ms before.`);
    }
  }

  it('shows an alert that a service published over AMQP, with its toast, within a second, and keeps no token in the address', async () => {
    const page = await signedIn('ana');
    expect(page.url()).toBe(`${stack.gateway.url}/`);
    const published = await soonest(page, async (number) => {
      await publish(`Flour is low ${number}`, { message: '2 kg left' });
      return [`[role=row]`, `[data-testid=toast]`].map((what) => [what, `Flour is low ${number}`]);
    });
    await eventually(
      async () => expect(await page.getByTestId('open-urgent').textContent()).toBe(String(published)),
      5_000,
    );
    await picture(page, 'show-1.1-published-over-amqp');
    expect(visits.failuresOf(page)).toEqual([]);
  });

  it('shows in one window what a user did in another, within a second and with the name, and undoes it', async () => {
    await publish('Oven 2 is cold');
    const [ana, ben] = await Promise.all([signedIn('ana'), signedIn('ben')]);
    await row(ana, 'Oven 2 is cold').click();
    const firing = row(ben, 'Oven 2 is cold').and(ben.locator('[data-status=firing]'));
    await firing.waitFor();
    await soonest(ben, async (number) => {
      if (number > 1) await ana.keyboard.press('z');
      await firing.waitFor();
      await ana.keyboard.press('a');
      return [['[data-status=acknowledged]', 'Ana']];
    });
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
    const html = readFileSync(join(BUILT, '..', 'index.html'), 'utf8');
    // the script of the page first, and then what it imports: the build may divide it
    const scripts = [...html.matchAll(/(?:src|href)="\/assets\/([^"]+\.js)"/g)].map(([, name]) => name!);
    expect(scripts[0]).toMatch(/^index-/);
    const sizes = scripts.map((name) => gzipSync(readFileSync(join(BUILT, name)), { level: 9 }).length);
    expect(sizes.reduce((sum, size) => sum + size)).toBeLessThan(FIRST_SCRIPT_BYTES);
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
