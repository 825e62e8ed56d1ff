import type { Page } from 'playwright-core';
import { eventually } from '@tocsin/contracts/testing';
import { ask } from '../kit/http';
import { describeWith } from '../kit/programs';
import { Stack } from '../kit/stack';
import { tokenFor } from '../kit/tokens';
import { MAY_ACT, picture, rowOf as row, Visits } from './dashboard-visits';

const PHONE = { viewport: { width: 400, height: 800 }, hasTouch: true, isMobile: true };
const LATE_MS = 12_000;

describeWith('chromium', 'an alert that rings', () => {
  let visits: Visits;
  let stack: Stack;
  beforeAll(async () => {
    const opening = Visits.open();
    stack = await Stack.open({
      tenants: { ana: ['bakery'], ben: ['bakery', 'north', 'harbour'], cleo: ['north'], dan: ['harbour'] },
    });
    visits = await opening;
  }, 60_000);
  afterEach(() => visits.end());
  afterAll(async () => {
    await visits?.close();
    await stack?.close();
  });

  let published = 0;
  const publish = (tenant_id: string, title: string, severity = 'urgent') =>
    stack.amqp.publish(`alert.${severity}.inventory`, {
      tenant_id,
      title,
      dedup_key: title,
      id: String((published += 1)),
    });
  const signedIn = (user: string, options: Parameters<Visits['signedIn']>[2] = {}) =>
    visits.signedIn(stack.gateway.url, user, options);
  const call = async (user: string, method: string, path: string, body: object) => {
    const { status, json } = await ask(stack.gateway.url, `/api/v1${path}`, {
      method,
      headers: { Authorization: `Bearer ${tokenFor(user, MAY_ACT)}`, 'Content-Type': 'application/json' },
      body: JSON.stringify(body),
    });
    expect(status).toBe(200);
    return json;
  };
  /** What Ben does, on another device. */
  const benDoes = async (page: Page, title: string, act: string) =>
    call('ben', 'PATCH', `/alerts/${(await row(page, title).getAttribute('data-alert'))!}`, { act });
  const titled = (page: Page, title: string) => eventually(async () => expect(await page.title()).toBe(title), LATE_MS);

  it.each([
    ['a toast', 'ana', 'toast', 'Oven is cold', {}],
    ['the bar of a phone', 'cleo', 'phone-bar', 'Till is stuck', PHONE],
  ] as const)(
    'though it is acknowledged, because it became urgent, stands in %s until it is over, with no act that is done',
    async (_, user, testId, title, device) => {
      const tenant = user === 'ana' ? 'bakery' : 'north';
      await publish(tenant, title, 'medium');
      const page = await signedIn(user, device);
      await row(page, title).waitFor();
      await benDoes(page, title, 'acknowledge');
      await row(page, title).and(page.locator('[data-status=acknowledged]')).waitFor();
      const alarm = page.getByTestId(testId).filter({ hasText: title });
      await publish(tenant, title);
      await alarm.getByRole('button', { name: 'Open' }).waitFor();
      expect(await alarm.getByRole('button', { name: 'Acknowledge' }).count()).toBe(0);
      await picture(page, `rings-acknowledged-${testId}`);
      // a repeat says the same once more, and is no reason to close what the user has not read yet
      await publish(tenant, title);
      await alarm.getByText('×3').waitFor();
      await benDoes(page, title, 'unacknowledge');
      await alarm.getByRole('button', { name: 'Acknowledge' }).waitFor();
      await benDoes(page, title, 'resolve');
      await alarm.waitFor({ state: 'detached' });
    },
  );

  it('is seen when it is opened, from its toast, by a key, or while the details of another are open', async () => {
    // without a seen position, what is there when the page asks for it counts as seen
    await publish('harbour', 'Seen before');
    const { cursor } = await eventually(async () => {
      const found = await call('dan', 'POST', '/alerts/search', {});
      expect(found.alerts).toHaveLength(1);
      return found;
    }, LATE_MS);
    await call('dan', 'PUT', '/me/cursor', { cursor });
    const page = await signedIn('dan');
    await publish('harbour', 'Crane 1 stands still');
    await titled(page, '(1) Tocsin');
    await page.getByTestId('toast').getByRole('button', { name: 'Open' }).click();
    await titled(page, 'Tocsin');
    await page.keyboard.press('Escape');
    await page.getByTestId('drawer').waitFor({ state: 'detached' });
    await publish('harbour', 'Crane 2 stands still');
    await titled(page, '(1) Tocsin');
    await row(page, 'Crane 2 stands still').focus();
    await page.keyboard.press('Enter');
    await page.getByTestId('drawer').getByRole('heading', { name: 'Crane 2 stands still' }).waitFor();
    await titled(page, 'Tocsin');
    await publish('harbour', 'Crane 3 stands still');
    await titled(page, '(1) Tocsin');
    // what rings again while it is read is not unseen
    await publish('harbour', 'Crane 4 stands still', 'high');
    await publish('harbour', 'Crane 4 stands still');
    await titled(page, '(2) Tocsin');
    await page.getByTestId('toast').filter({ hasText: 'Crane 4' }).getByRole('button', { name: 'Open' }).click();
    await titled(page, '(1) Tocsin');
  });
});
