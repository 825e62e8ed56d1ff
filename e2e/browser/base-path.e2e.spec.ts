import { eventually } from '@tocsin/contracts/testing';
import { describeWith } from '../kit/programs';
import { Stack } from '../kit/stack';
import { tokenFor } from '../kit/tokens';
import { MAY_ACT, rowOf, Visits } from './dashboard-visits';

const BASE = '/tocsin';

describeWith('chromium', 'the page below a base path', () => {
  let visits: Visits;
  let stack: Stack;
  beforeAll(async () => {
    const opening = Visits.open();
    stack = await Stack.open({
      tenants: { ana: ['bakery'] },
      gatewayEnvironment: { BASE_PATH: BASE },
    });
    visits = await opening;
  }, 60_000);
  afterEach(() => visits.end());
  afterAll(async () => {
    await visits?.close();
    await stack?.close();
  });

  it('shows alerts live, and asks for nothing that is not below the path', async () => {
    const page = await visits.blank();
    const asked: { path: string; status: number | undefined }[] = [];
    page.on('response', (response) =>
      asked.push({ path: new URL(response.url()).pathname, status: response.status() }),
    );
    page.on('requestfailed', (request) => {
      // the page itself gives up a search that a newer one replaces
      if (request.failure()?.errorText !== 'net::ERR_ABORTED')
        asked.push({ path: new URL(request.url()).pathname, status: undefined });
    });
    await page.goto(`${stack.gateway.url}${BASE}/#token=${tokenFor('ana', MAY_ACT)}`);
    await page.getByTestId('pill').and(page.locator('[data-state-name=live]')).waitFor({ timeout: 40_000 });

    await stack.amqp.publish('alert.urgent.inventory', { tenant_id: 'bakery', title: 'Flour is running low' });
    await rowOf(page, 'Flour is running low').click();
    await page.getByTestId('drawer').getByRole('heading', { name: 'Flour is running low' }).waitFor();
    await eventually(() => expect(new URL(page.url()).searchParams.get('alert')).not.toBeNull());
    expect(new URL(page.url()).pathname).toBe(`${BASE}/`);
    const links = await page
      .locator('a[href^="/"]')
      .evaluateAll((all) => all.map((one) => (one as unknown as { pathname: string }).pathname));
    expect(links).toContain(`${BASE}/`);
    expect(links.filter((path) => !path.startsWith(`${BASE}/`))).toEqual([]);

    expect(asked.filter(({ path }) => !path.startsWith(`${BASE}/`))).toEqual([]);
    expect(asked.filter(({ status }) => status === undefined || status >= 400)).toEqual([]);
    expect(asked.map(({ path }) => path)).toContain(`${BASE}/api/events`);
    expect(asked.some(({ path }) => path.endsWith('.woff2'))).toBe(true);
    expect(visits.failuresOf(page)).toEqual([]);
  });
});
