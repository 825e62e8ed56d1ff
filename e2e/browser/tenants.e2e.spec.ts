import type { Page } from 'playwright-core';
import { eventually } from '@tocsin/contracts/testing';
import { describeWith } from '../kit/programs';
import { Stack } from '../kit/stack';
import { tokenFor } from '../kit/tokens';
import { barriersIn, heightOf, MAY_ACT, picture, rowOf as row, Visits } from './dashboard-visits';

const SEVERITIES = ['urgent', 'high', 'medium', 'low'] as const;
const numbered = (count: number) =>
  Array.from({ length: count }, (_, n) => ({
    id: `customer-${String(n + 1).padStart(2, '0')}`,
    name: n === 6 ? 'Zebra Bakery' : `Customer ${n + 1}`,
  }));
const THIRTY = numbered(30);

describeWith('chromium', 'a user with many tenants', () => {
  let visits: Visits;
  let stack: Stack;
  let published = 0;
  beforeAll(async () => {
    const opening = Visits.open();
    stack = await Stack.open({
      tenants: { 'ana@example.test': THIRTY, 'eva@example.test': numbered(41), 'one@example.test': ['customer-01'] },
    });
    visits = await opening;
    // ten quiet tenants; two with urgent alerts; the others by one of the rest
    for (const [n, { id }] of THIRTY.slice(0, 20).entries())
      await publish(id, `Oven ${n + 1}`, SEVERITIES[1 + (n % 3)]);
    await publish('customer-03', 'Flour is gone', 'urgent');
    await publish('customer-05', 'Till is on fire', 'urgent');
    await publish('customer-05', 'Fridge is warm', 'urgent');
    await publish('customer-41', 'Far away', 'urgent');
    await stack.stored(24);
  }, 60_000);
  afterEach(() => visits.end());
  afterAll(async () => {
    await visits?.close();
    await stack?.close();
  });

  const publish = (tenant: string, title: string, severity = 'low') =>
    stack.amqp.publish(`alert.${severity}.oven`, { tenant_id: tenant, id: `m${(published += 1)}`, title });
  const signedIn = (options: Parameters<Visits['signedIn']>[2] = {}, user = 'ana') =>
    visits.signedIn(stack.gateway.url, `${user}@example.test`, options);
  const switcher = (page: Page) => page.getByTestId('tenants');
  const panel = (page: Page) => page.getByTestId('tenant-panel');
  const tenantIn = (page: Page) => new URL(page.url()).searchParams.get('tenant');
  const openList = async (page: Page) => {
    await switcher(page).waitFor();
    await page.keyboard.press('g');
    await page.keyboard.press('t');
    await panel(page).waitFor();
  };
  /** What is open by severity, as a query says. */
  const counted = async (condition: string) => {
    const [numbers] = await stack.sql<Record<string, string>>(
      `select ${SEVERITIES.map((one) => `count(*) filter (where severity = '${one}')::text as ${one}`).join(', ')}
       from tocsin.alert where status in ('firing', 'acknowledged') and ${condition}`,
    );
    return numbers!;
  };
  const strip = (page: Page) =>
    page.evaluate<Record<string, string>>(
      `({${SEVERITIES.map((one) => `${one}: document.querySelector('[data-testid=open-${one}]').textContent`).join(',')}})`,
    );

  it('reaches a tenant of 30 with G T, one letter and Enter; it stays after a reload, in a new tab, and Back leaves it', async () => {
    const page = await signedIn();
    await row(page, 'Oven 1').first().waitFor();
    await switcher(page).getByText('All 30 tenants').waitFor();
    await openList(page);
    await page.keyboard.press('z');
    await page.keyboard.press('Enter');
    await panel(page).waitFor({ state: 'detached' });
    expect(tenantIn(page)).toBe('customer-07');
    await row(page, 'Oven 1').first().waitFor({ state: 'detached' });
    await row(page, 'Oven 7').waitFor();
    await switcher(page).getByText('Zebra Bakery').waitFor();
    await eventually(async () => expect(await strip(page)).toEqual(await counted(`tenant_id = 'customer-07'`)));
    expect(await page.getByTestId('scope').textContent()).toBe('Open · Zebra Bakery');
    await page.reload();
    await row(page, 'Oven 7').waitFor();
    expect(await page.locator('[data-alert]').count()).toBe(1);
    const tab = await page.context().newPage();
    await tab.goto(`${stack.gateway.url}/#token=${tokenFor('ana@example.test', MAY_ACT)}`);
    await row(tab, 'Oven 7').waitFor();
    expect(tenantIn(tab)).toBe('customer-07');
    await tab.close();
    await openList(page);
    await page.keyboard.press('Enter');
    await row(page, 'Oven 1').first().waitFor();
    expect(tenantIn(page)).toBeNull();
    await page.goBack();
    await eventually(() => expect(tenantIn(page)).toBe('customer-07'));
    await row(page, 'Oven 1').first().waitFor({ state: 'detached' });
  });

  it('lists the tenants by their worst open alert with numbers that a query confirms, and those without any as quiet', async () => {
    const page = await signedIn();
    await openList(page);
    await panel(page).getByText('10 quiet').waitFor();
    const rows = await panel(page)
      .locator('[data-tenant]')
      .evaluateAll((all) =>
        all.map((one) => [one.getAttribute('data-tenant'), one.querySelector('[data-number]')!.textContent]),
      );
    expect(rows.slice(0, 2).map(([id]) => id)).toEqual(['customer-05', 'customer-03']);
    const expected = await stack.sql<{ tenant_id: string; open: string }>(
      `select tenant_id, count(*)::text as open from tocsin.alert where tenant_id <> 'customer-41' group by tenant_id`,
    );
    const open = Object.fromEntries(expected.map((one) => [one.tenant_id, one.open]));
    expect(Object.fromEntries(rows)).toEqual(Object.fromEntries(THIRTY.map(({ id }) => [id, open[id] ?? '0'])));
  });

  it('lists 30 tenants one a line in the details of the connection, in order of name', async () => {
    const page = await signedIn();
    await page.getByTestId('pill').and(page.locator('[data-state-name=live]')).click();
    const list = page.getByRole('group', { name: 'Tenants', exact: true });
    await list.waitFor();
    const names = await list.getByRole('listitem').allTextContents();
    expect(names).toHaveLength(30);
    expect(names.slice(0, 3)).toEqual(['Customer 1', 'Customer 2', 'Customer 3']);
    expect(names.at(-1)).toBe('Zebra Bakery');
    expect(await heightOf(list)).toBeLessThanOrEqual(240);
    await picture(page, 'connection-30-tenants');
    expect(await barriersIn(page)).toEqual([]);
  });

  it('goes by Ctrl K to a tenant, a saved view and an alert, and says when it finds none or cannot search', async () => {
    const page = await visits.blank();
    const views = [{ name: 'Night ovens', at: '?view=all&q=oven' }];
    const kept = JSON.stringify(JSON.stringify({ views }));
    await page.addInitScript(`localStorage.setItem('tocsin.preferences', ${kept})`);
    await page.goto(`${stack.gateway.url}/#token=${tokenFor('ana@example.test', MAY_ACT)}`);
    await row(page, 'Till is on fire').waitFor();
    const find = async (text: string) => {
      await page.keyboard.press('Control+k');
      await page.getByRole('combobox', { name: 'A command, an alert' }).waitFor();
      await page.keyboard.type(text);
    };
    const option = (kind: string) => page.locator(`[role=option][data-kind=${kind}]`);
    await find('zebra');
    await option('tenant').and(page.locator('[aria-selected=true]')).waitFor();
    await page.keyboard.press('Enter');
    await eventually(() => expect(tenantIn(page)).toBe('customer-07'));
    await find('night');
    await option('view').waitFor();
    await page.keyboard.press('Enter');
    await eventually(() => expect(new URL(page.url()).search).toBe('?view=all&q=oven'));
    await find('fridge');
    await option('alert').getByText('Fridge is warm · Customer 5').waitFor();
    await picture(page, 'find-everything');
    expect(await barriersIn(page)).toEqual([]);
    await page.keyboard.press('Enter');
    await page.getByTestId('drawer').getByText('Fridge is warm').first().waitFor();
    await find('nonsense');
    await page.getByText('Nothing has this name, and no alert these words.').waitFor();
    await page.route('**/api/v1/alerts/search', (route) => route.abort());
    await page.keyboard.type('x');
    await page.getByText('The alerts could not be searched.').waitFor();
  });

  it('shows – for a tenant whose numbers are not known', async () => {
    const page = await visits.blank();
    await page.route('**/api/v1/stats/tenants*', () => undefined);
    await page.goto(`${stack.gateway.url}/?overview=tenants#token=${tokenFor('ana@example.test', MAY_ACT)}`);
    await page.locator('[data-tile=customer-05]').waitFor();
    expect(await page.locator('[data-tile=customer-05] [data-number]').allTextContents()).toEqual(['–', '–', '–', '–']);
    await openList(page);
    expect(new Set(await panel(page).getByTestId('tenant-open').allTextContents())).toEqual(new Set(['–']));
  });

  it('keeps pinned tenants, which have the keys 1 to 9, and takes several with their boxes', async () => {
    const page = await signedIn();
    await openList(page);
    await panel(page).getByRole('button', { name: 'Pin Customer 9' }).click();
    await panel(page).getByRole('button', { name: 'Pin Zebra Bakery' }).click();
    await page.reload();
    await openList(page);
    await page.keyboard.press('2');
    await eventually(() => expect(tenantIn(page)).toBe('customer-07'));
    await panel(page).waitFor({ state: 'detached' });
    await openList(page);
    await panel(page).getByRole('checkbox', { name: 'Customer 9 too' }).check();
    await switcher(page).getByText('2 tenants').waitFor();
    await page.keyboard.press('Escape');
    expect(tenantIn(page)).toBe('customer-07,customer-09');
    await eventually(async () =>
      expect(await strip(page)).toEqual(await counted(`tenant_id in ('customer-07', 'customer-09')`)),
    );
  });

  it('never hides an urgent alert: the page says how many there are elsewhere, and leads there; nothing else rings', async () => {
    const page = await signedIn({ query: '?tenant=customer-07' });
    const elsewhere = page.getByTestId('elsewhere');
    await elsewhere.getByText('3 urgent in 2 other tenants').waitFor();
    await publish('customer-09', 'Chimney is blocked', 'urgent');
    await elsewhere.getByText('4 urgent in 3 other tenants').waitFor();
    await publish('customer-07', 'Mixer is stuck', 'urgent');
    await page.getByTestId('toast').getByText('Mixer is stuck').waitFor();
    expect(await page.getByTestId('toast').getByText('Chimney is blocked').count()).toBe(0);
    await page.getByTestId('toast').getByRole('button', { name: 'Dismiss' }).click();
    await elsewhere.getByRole('button', { name: 'Show' }).click();
    for (const title of ['Flour is gone', 'Till is on fire', 'Fridge is warm', 'Chimney is blocked'])
      await row(page, title).waitFor();
    expect(await row(page, 'Mixer is stuck').count()).toBe(0);
    await page.goBack();
    await row(page, 'Mixer is stuck').waitFor();
    expect(tenantIn(page)).toBe('customer-07');
  });

  it('shows every tenant as a tile with G V, the worst first, live, and moves none while the pointer is there', async () => {
    const page = await signedIn();
    await switcher(page).waitFor();
    await page.keyboard.press('g');
    await page.keyboard.press('v');
    const tiles = () =>
      page.locator('[data-tile]').evaluateAll((all) => all.map((one) => one.getAttribute('data-tile')!));
    await eventually(async () => expect((await tiles())[0]).toBe('customer-05'));
    expect(new URL(page.url()).searchParams.get('overview')).toBe('tenants');
    expect(await tiles()).toHaveLength(30);
    for (const id of ['customer-05', 'customer-07', 'customer-30']) {
      const numbers = await page.locator(`[data-tile=${id}] [data-number]`).allTextContents();
      expect([id, numbers]).toEqual([id, Object.values(await counted(`tenant_id = '${id}'`))]);
    }
    await page.locator('[data-tile=customer-05]').hover();
    const before = await tiles();
    for (let n = 0; n < 4; n += 1) await publish('customer-30', `Leak ${n}`, 'urgent');
    await page.locator('[data-tile=customer-30]').getByTestId('tile-urgent').getByText('4').waitFor();
    expect(await tiles()).toEqual(before);
    await page.mouse.move(2, 2);
    await eventually(async () => expect((await tiles())[0]).toBe('customer-30'));
    await page.locator('[data-tile]').first().focus();
    await page.keyboard.press('ArrowRight');
    await page.keyboard.press('Enter');
    await row(page, 'Fridge is warm').waitFor();
    expect(tenantIn(page)).toBe('customer-05');
    await page.goBack();
    await page.getByTestId('overview').waitFor();
    await page.keyboard.press('Escape');
    await page.getByTestId('overview').waitFor({ state: 'detached' });
  });

  it.each([
    [1_440, 'light', 'en-GB'],
    [900, 'dark', 'es-ES'],
    [400, 'light', 'es-ES'],
    [400, 'dark', 'en-GB'],
  ] as const)('has no barrier at %d px, %s, %s', async (width, colorScheme, locale) => {
    const options = { viewport: { width, height: 800 }, colorScheme, locale };
    const page = await signedIn({ ...options, query: '?tenant=customer-07' });
    await page.getByTestId('elsewhere').waitFor();
    const look = async (name: string) => {
      expect(await barriersIn(page)).toEqual([]);
      expect(await page.evaluate('document.documentElement.scrollWidth <= innerWidth')).toBe(true);
      await picture(page, `tenants-${name}-${width}-${colorScheme}`);
    };
    await look('scope');
    await switcher(page).click();
    await panel(page).locator('[data-tenant]').nth(29).waitFor();
    await eventually(async () =>
      expect(await panel(page).getByTestId('tenant-open').allTextContents()).not.toContain('–'),
    );
    await look('list');
    await page.keyboard.press('Escape');
    await panel(page).waitFor({ state: 'detached' });
    await page.keyboard.press('g');
    await page.keyboard.press('v');
    await page.locator('[data-tile][data-worst=urgent]').first().waitFor();
    await look('overview');
  });

  it('shows the tiles from refused messages too, and no bar of a selection beside either', async () => {
    const page = await signedIn({
      query: '?tenant=customer-05',
      scope: `${MAY_ACT.scope} dead_letters:manage`,
      viewport: { width: 400, height: 800 },
    });
    await row(page, 'Till is on fire').focus();
    await page.keyboard.press('x');
    const bar = page.getByTestId('bulk');
    await bar.waitFor();
    await page.keyboard.press('g');
    await page.keyboard.press('v');
    await page.getByTestId('overview').waitFor();
    expect(await bar.count()).toBe(0);
    await page.goto(`${stack.gateway.url}/?view=refused`);
    await page.getByTestId('refused').waitFor();
    // the keys for tenants work once the stream has named them
    await page.getByTestId('pill').and(page.locator('[data-state-name=live]')).waitFor();
    await page.keyboard.press('g');
    await page.keyboard.press('v');
    await page.getByTestId('overview').waitFor();
    expect(new URL(page.url()).searchParams.get('view')).toBeNull();
  });

  it('with 41 tenants shows 32, says so, and follows another one that is chosen', async () => {
    const page = await signedIn({}, 'eva');
    await row(page, 'Oven 1').first().waitFor();
    const some = page.getByTestId('showing-some');
    await some.getByText('Showing 32 of 41 tenants').waitFor();
    await page.getByTestId('elsewhere').getByText('1 urgent in 1 other tenant').waitFor();
    await picture(page, 'tenants-41');
    await some.getByRole('button', { name: 'Choose' }).click();
    await panel(page).getByRole('searchbox').fill('41');
    await page.keyboard.press('Enter');
    await row(page, 'Far away').waitFor();
    await page.getByTestId('pill').and(page.locator('[data-state-name=live]')).waitFor();
    await publish('customer-41', 'Nearer', 'urgent');
    await page.getByTestId('toast').getByText('Nearer').waitFor();
    await page.keyboard.press('g');
    await page.keyboard.press('v');
    await eventually(async () => expect(await page.locator('[data-tile]').count()).toBe(41));
  });

  it('drops a last choice that is no longer a tenant of the user', async () => {
    const kept = { tenants: { 'one@example.test': { last: 'customer-99', pinned: [] } } };
    const before = `localStorage.setItem('tocsin.preferences', ${JSON.stringify(JSON.stringify(kept))})`;
    const page = await signedIn({ before }, 'one');
    await row(page, 'Oven 1').first().waitFor();
    expect(tenantIn(page)).toBeNull();
  });

  it('shows none of it to a user with one tenant', async () => {
    const page = await signedIn({}, 'one');
    await row(page, 'Oven 1').first().waitFor();
    await page.keyboard.press('g');
    await page.keyboard.press('v');
    await page.keyboard.press('?');
    await page.getByRole('dialog').waitFor();
    expect([await switcher(page).count(), await page.getByTestId('overview').count()]).toEqual([0, 0]);
  });
});
