import type { Page } from 'playwright-core';
import { describeWith } from '../kit/programs';
import { Stack } from '../kit/stack';
import { tokenFor } from '../kit/tokens';
import { barriersIn, MAY_ACT, picture, Visits } from './dashboard-visits';

const TEXTS = ['/docs/events', '/docs/errors', '/docs/guide', '/docs/guide/install'];
/** Swagger UI takes seconds to draw every operation, and axe to look at them: once in each scheme, in whole runs. */
const ALL = ['/docs', ...TEXTS];
const SESSION = (page: Page) => page.locator('.session');

describeWith('chromium', 'the documents beside the page', () => {
  let visits: Visits;
  let stack: Stack;
  beforeAll(async () => {
    [visits, stack] = await Promise.all([Visits.open(), Stack.open({ tenants: { ana: ['bakery'] }, processors: 0 })]);
  }, 120_000);
  afterEach(() => visits.end());
  afterAll(async () => {
    await visits?.close();
    await stack?.close();
  });

  /** Opens a document, and waits until it is drawn. */
  async function read(page: Page, address: string): Promise<string[]> {
    const said: string[] = [];
    page.on('console', (message) => said.push(message.text()));
    page.on('pageerror', ({ message }) => said.push(message));
    page.setDefaultTimeout(100_000);
    await page.goto(stack.gateway.url + address);
    if (address.split('#')[0] === '/docs') await page.locator('[id$="issueTicket"]').waitFor();
    return said;
  }
  const groundOf = (page: Page) => page.evaluate<string>('getComputedStyle(document.body).backgroundColor');

  it.each([
    ['light', 1440, ALL],
    ['light', 400, TEXTS],
    ['dark', 1440, TEXTS],
    ['dark', 400, ALL],
  ] as const)(
    'look like the page, and axe finds nothing serious: %s, %d px',
    async (colorScheme, width, addresses) => {
      const page = await visits.blank({ colorScheme, viewport: { width, height: 900 } });
      for (const address of addresses) {
        const said = await read(page, address);
        await picture(page, `docs${address.slice('/docs'.length).replaceAll('/', '-')}-${colorScheme}-${width}`);
        expect([address, await groundOf(page)]).toEqual([
          address,
          colorScheme === 'dark' ? 'rgb(13, 16, 21)' : 'rgb(246, 247, 249)',
        ]);
        expect([address, await barriersIn(page)]).toEqual([address, []]);
        const wider = await page.evaluate('document.documentElement.scrollWidth - innerWidth');
        expect([address, wider]).toEqual([address, 0]);
        expect(await page.locator('.head nav a[aria-current]').count()).toBe(1);
        expect([address, said]).toEqual([address, []]);
        page.removeAllListeners();
      }
    },
    240_000,
  );

  it('have the theme that was chosen on the page, whatever the system prefers', async () => {
    const page = await visits.blank({ colorScheme: 'light' });
    await page.addInitScript(`localStorage.setItem('tocsin.preferences', '{"theme":"dark"}')`);
    for (const address of ['/docs/errors', '/docs/guide']) {
      await read(page, address);
      expect(await groundOf(page)).toBe('rgb(13, 16, 21)');
    }
  });

  it('send requests with the token of the session of the tab, and say whose it is', async () => {
    const page = await visits.blank({});
    await page.goto(`${stack.gateway.url}/#token=${tokenFor('ana', MAY_ACT)}`);
    await page.getByTestId('pill').and(page.locator('[data-state-name=live]')).waitFor();
    const said = await read(page, '/docs');
    await SESSION(page).getByText('are sent as ana, with the token of this tab').waitFor();
    const asked = page.waitForRequest((request) => request.url().endsWith('/api/v1/tenants'));
    await page.locator('[id$="listTenants"] .opblock-summary-control').click();
    await page.locator('[id$="listTenants"] .execute').click();
    const request = await asked;
    expect((await request.response())!.status()).toBe(200);
    expect(request.url()).not.toContain('token');
    expect(await page.evaluate('JSON.stringify(localStorage)')).not.toContain('eyJ');
    expect(said).toEqual([]);
  }, 120_000);

  it('say how to get a token where there is none, and that one has ended', async () => {
    const page = await visits.blank({});
    await read(page, '/docs');
    await SESSION(page).getByText('This tab is not signed in').waitFor();
    const ended = tokenFor('ana', { exp: 1_700_000_000 });
    await page.evaluate(`sessionStorage.setItem('tocsin.token', '${ended}')`);
    await read(page, '/docs');
    await SESSION(page).getByText("The token of this tab's session ended at").waitFor();
    expect(await SESSION(page).locator('p:visible').count()).toBe(1);
  }, 120_000);
});
