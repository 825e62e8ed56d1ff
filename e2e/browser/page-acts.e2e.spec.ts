import type { Page } from 'playwright-core';
import { eventually } from '@tocsin/contracts/testing';
import { ask } from '../kit/http';
import { describeWith } from '../kit/programs';
import { Stack } from '../kit/stack';
import { nowSeconds, tokenFor } from '../kit/tokens';
import { MAY_ACT, picture, rowOf as row, Visits } from './dashboard-visits';

/** How many alerts a list loads before its user scrolls. */
const PAGE = 100;
const CROWD = 130;
/** Beyond the end of any list, in pixels. */
const END = 1_000_000;

describeWith('chromium', 'an act or a request on the page', () => {
  let visits: Visits;
  let stack: Stack;
  beforeAll(async () => {
    const opening = Visits.open();
    stack = await Stack.open({
      tenants: {
        ana: ['bakery'],
        ben: ['bakery'],
        vera: [{ id: 'bakery', role: 'viewer' }],
        cleo: ['crowd'],
      },
    });
    visits = await opening;
    await Promise.all(Array.from({ length: CROWD }, (_, n) => publish(`Crowd ${n + 1}`, 'low', 'crowd')));
    await stack.stored(CROWD);
  }, 60_000);
  afterEach(() => visits.end());
  afterAll(async () => {
    await visits?.close();
    await stack?.close();
  });

  const publish = (title: string, severity = 'urgent', tenant_id = 'bakery') =>
    stack.amqp.publish(`alert.${severity}.inventory`, { tenant_id, id: title, title });
  const signedIn = (user: string, query = '') => visits.signedIn(stack.gateway.url, user, { query });
  const stored = async (title: string) =>
    (
      await stack.sql<{ alert_id: string; status: string; assignee: string | null }>(
        'select alert_id, status, assignee from tocsin.alert where title = $1',
        [title],
      )
    )[0];
  const becomes = (title: string, status: string) =>
    eventually(async () => expect((await stored(title))?.status).toBe(status), 12_000);
  const scrollTo = (page: Page, px: number) =>
    page.evaluate(`document.querySelector('[role=grid]').parentElement.scrollTo(0, ${px})`);
  const inState = (page: Page, title: string, status: string) =>
    row(page, title).and(page.locator(`[data-status=${status}]`));

  it('in a toast acknowledges an alert that the list does not have', async () => {
    const page = await signedIn('ana', '?view=resolved');
    await publish('Oven is cold');
    await page.getByTestId('toast').getByRole('button', { name: 'Acknowledge' }).click();
    await becomes('Oven is cold', 'acknowledged');
    expect(visits.failuresOf(page)).toEqual([]);
  });

  it.each([
    ['resolve', 'r', 'resolved'],
    ['snooze', 's', 'snoozed'],
  ])('to %s what another user has acknowledged is undone to that', async (name, key, status) => {
    const title = `Taken before ${name}`;
    await publish(title, 'high');
    await eventually(async () => expect(await stored(title)).toBeDefined());
    await ask(stack.gateway.url, `/api/v1/alerts/${(await stored(title))!.alert_id}`, {
      method: 'PATCH',
      headers: { Authorization: `Bearer ${tokenFor('ben', MAY_ACT)}`, 'Content-Type': 'application/json' },
      body: JSON.stringify({ act: 'acknowledge' }),
    });
    const page = await signedIn('ana');
    await inState(page, title, 'acknowledged').click();
    await page.getByTestId('drawer').getByRole('heading', { name: title }).waitFor();
    await page.keyboard.press(key);
    if (key === 's') await page.getByRole('menuitem').first().press('Enter');
    await becomes(title, status);
    await page.keyboard.press('z');
    await becomes(title, 'acknowledged');
    expect((await stored(title))!.assignee).toBe('ben');
  });

  it('for more alerts that fails is said, and asked again only by the user', async () => {
    const page = await visits.blank();
    let failed = 0;
    const search = '**/api/v1/alerts/search';
    await page.route(search, (route) => {
      if (!(route.request().postDataJSON() as { after?: string }).after) return route.fallback();
      failed += 1;
      return route.fulfill({ status: 503, body: 'away' });
    });
    await page.goto(`${stack.gateway.url}/#token=${tokenFor('cleo', MAY_ACT)}`);
    await row(page, 'Crowd').first().waitFor();
    await scrollTo(page, END);
    const said = page.getByTestId('list-error');
    await said.waitFor();
    await scrollTo(page, 0);
    await publish('Crowd at last', 'low', 'crowd');
    await row(page, 'Crowd at last').waitFor();
    expect(failed).toBe(1);
    await picture(page, 'list-error');
    await page.unroute(search);
    await said.getByRole('button', { name: 'Try again' }).click();
    await said.waitFor({ state: 'detached' });
    await eventually(async () => {
      await scrollTo(page, END);
      expect(await page.getByRole('grid').getAttribute('aria-rowcount')).toBe(String(CROWD + 1));
    }, 12_000);
  });

  it('for more alerts comes after a reload that was under way when the user reached the end', async () => {
    const page = await visits.blank();
    const held = () => {
      let letGo!: () => void;
      const gone = new Promise<void>((resolve) => (letGo = resolve));
      return { gone, letGo };
    };
    const [stream, reload] = [held(), held()];
    await page.route(/\/api\/events(\?|$)/, (route) => stream.gone.then(() => route.fallback()));
    let loads = 0;
    let isHeld = false;
    await page.route('**/api/v1/alerts/search', (route) => {
      // the counts ask for one alert
      if ((route.request().postDataJSON() as { limit: number }).limit === 1) return route.fallback();
      loads += 1;
      return isHeld ? reload.gone.then(() => route.fallback()) : route.fallback();
    });
    await page.goto(`${stack.gateway.url}/#token=${tokenFor('cleo', MAY_ACT)}`);
    await row(page, 'Crowd').first().waitFor();
    expect(loads).toBe(1);
    isHeld = true;
    // a stream that begins anew has the list loaded again
    stream.letGo();
    await eventually(() => Promise.resolve(expect(loads).toBe(2)), 12_000);
    await scrollTo(page, END);
    await page.locator(`[aria-rowindex="${PAGE}"]`).waitFor();
    reload.letGo();
    await eventually(
      async () =>
        expect(Number(await page.getByRole('grid').getAttribute('aria-rowcount'))).toBeGreaterThanOrEqual(CROWD),
      12_000,
    );
  });

  it('for a part of the page that cannot be loaded leaves the rest of it as it is', async () => {
    const page = await visits.blank();
    await page.route(/\/assets\/(bars|quiet-menu|settings-menu|key-help|snooze-at)-/, (route) => route.abort());
    await page.goto(`${stack.gateway.url}/#token=${tokenFor('ana', MAY_ACT)}`);
    await publish('Roof leaks', 'high');
    await row(page, 'Roof leaks').focus();
    for (const key of ['?', 's', 'a']) await page.keyboard.press(key);
    await inState(page, 'Roof leaks', 'acknowledged').waitFor();
    await page.keyboard.press('Control+k');
    await page.getByRole('dialog').waitFor();
    await picture(page, 'parts-not-loaded');
  });

  it('whose dialog cannot be loaded is given up, which is said, and keeps no later one from beginning', async () => {
    const page = await visits.blank();
    await page.route(/\/assets\/(confirm-act|snooze-dialog)-[^/]*\.js$/, (route) => route.abort());
    await page.goto(`${stack.gateway.url}/#token=${tokenFor('cleo', MAY_ACT)}`);
    await row(page, 'Crowd').first().waitFor();
    const said = page.locator('[data-sonner-toast]:not([data-read])', { hasText: 'This part of the page failed' });
    const isSaid = async () => {
      await said.getByRole('button', { name: 'Load the page again' }).waitFor();
      await said.evaluateAll((toasts) => toasts.forEach((toast) => toast.setAttribute('data-read', '')));
    };

    await page.keyboard.press('Control+a');
    const bulk = page.getByTestId('bulk');
    await bulk.getByRole('button', { name: /^Select all \d+ that match$/ }).click();
    await bulk.getByText(/^1[3-9]\d selected$/).waitFor();
    for (let n = 0; n < 2; n += 1) {
      await page.keyboard.press('r');
      await isSaid();
    }
    await picture(page, 'dialog-not-loaded');
    await page.keyboard.press('Escape');
    await row(page, 'Crowd').first().focus();
    for (let n = 0; n < 2; n += 1) {
      await page.keyboard.press('s');
      await page.getByRole('menuitem', { name: 'Until…' }).click();
      await isSaid();
    }
    expect(visits.failuresOf(page)).toEqual([]);
  });

  it('of another user who signs in is that user’s, with nothing of what the first has loaded', async () => {
    await publish('Till is stuck', 'high');
    await eventually(async () => expect(await stored('Till is stuck')).toBeDefined());
    const page = await visits.blank();
    const token = tokenFor('vera', { ...MAY_ACT, exp: nowSeconds() + 8 });
    await page.goto(`${stack.gateway.url}/?alert=${(await stored('Till is stuck'))!.alert_id}#token=${token}`);
    await page.getByText('You may only read in').waitFor();
    await page.locator('textarea').fill(tokenFor('ana', MAY_ACT));
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByTestId('drawer').getByRole('button', { name: 'Acknowledge' }).click();
    await becomes('Till is stuck', 'acknowledged');
    expect(await page.getByText('You may only read in').count()).toBe(0);
  });
});
