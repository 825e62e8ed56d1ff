import { eventually } from '@tocsin/contracts/testing';
import { ask } from '../kit/http';
import { describeWith } from '../kit/programs';
import { Stack } from '../kit/stack';
import { tokenFor } from '../kit/tokens';
import { barriersIn, MAY_ACT, picture, rowOf as row, Visits } from './dashboard-visits';

const WIDTHS = [400, 900, 1_440];
/** What the page says of a cell; the tests are compiled without the types of a browser. */
interface Cell {
  firstChild: { textContent: string };
  textContent: string;
  scrollWidth: number;
  clientWidth: number;
}
const at = (second: number) => new Date(Date.UTC(2026, 0, 1, 0, 0, second)).toISOString();

describeWith('chromium', 'what is over, and what is left out:', () => {
  let visits: Visits;
  let stack: Stack;
  beforeAll(async () => {
    const opening = Visits.open();
    stack = await Stack.open({
      tenants: {
        'ben@example.test': ['over', 'left', 'other', 'odd', 'again'],
        'over@example.test': ['over'],
        'left@example.test': ['left', 'other'],
        'odd@example.test': ['odd'],
        'again@example.test': ['again'],
      },
    });
    visits = await opening;
  }, 60_000);
  afterEach(() => visits.end());
  afterAll(async () => {
    await visits?.close();
    await stack?.close();
  });

  const publish = (tenant: string, service: string, title: string, more: Record<string, unknown> = {}) =>
    stack.amqp.publish(`alert.urgent.${service}`, { tenant_id: tenant, title, ...more });
  const signedIn = (user: string, options: Parameters<Visits['signedIn']>[2] = {}) =>
    visits.signedIn(stack.gateway.url, `${user}@example.test`, options);
  const call = async (method: string, path: string, body?: unknown) =>
    (
      await ask(stack.gateway.url, `/api/v1${path}`, {
        method,
        headers: {
          Authorization: `Bearer ${tokenFor('ben@example.test', MAY_ACT)}`,
          'Content-Type': 'application/json',
        },
        ...(body !== undefined && { body: JSON.stringify(body) }),
      })
    ).json as unknown;
  const found = async (search: object) =>
    ((await call('POST', '/alerts/search', search)) as { alerts: { alert_id: string; title: string }[] }).alerts;
  const heard = (tenant: string, title: string) =>
    eventually(async () => expect((await found({ tenant: [tenant] })).map((alert) => alert.title)).toContain(title));

  it('a resolved alert says who resolved it, after how long, and what rang beside what ended it, the last resolved first', async () => {
    const flour = (second: number, title: string, more: object = {}) =>
      publish('over', 'stock', title, { dedup_key: 'flour', occurred_at: at(second), ...more });
    await flour(1, 'Flour is nearly gone', { message: '2 kg left' });
    await heard('over', 'Flour is nearly gone');
    await publish('over', 'oven', 'Oven is cold', { dedup_key: 'oven' });
    await heard('over', 'Oven is cold');
    await stack.sql(
      `update tocsin.alert set first_seen_at = first_seen_at - interval '14 minutes' where tenant_id = 'over'`,
    );
    const [oven] = (await found({ tenant: ['over'] })).filter(({ title }) => title === 'Oven is cold');
    const page = await signedIn('over', { query: '?view=resolved' });
    await call('PATCH', `/alerts/${oven!.alert_id}`, { act: 'resolve' });
    await row(page, 'Oven is cold').getByText('by Ben').waitFor();
    // the alert is in no list of the page before its end
    await flour(2, '500 kg of flour were delivered', { status: 'resolved' });
    const over = row(page, 'Flour is nearly gone');
    await over.or(page.getByTestId('fresh')).first().waitFor();
    await page.keyboard.press('.');
    await over.getByText('500 kg of flour were delivered').waitFor();
    for (const reload of [false, true]) {
      if (reload) await page.reload();
      await over.waitFor();
      expect(await over.getByTestId('resolved-by').textContent()).toBe('Resolved by stock· after 14 min');
      expect(await row(page, 'Oven is cold').getByTestId('resolved-by').textContent()).toBe(
        'Resolved by Ben· after 14 min',
      );
      await eventually(async () =>
        expect(
          await page.locator('[data-alert]').evaluateAll((rows) => rows.map(({ style }) => style.transform)),
        ).toEqual(expect.arrayContaining(['translateY(0px)'])),
      );
      expect(await page.locator('[data-alert][aria-rowindex="1"]').textContent()).toContain('Flour is nearly gone');
    }
    await page.getByRole('combobox', { name: 'Order' }).getByText('Last resolved first').waitFor({ state: 'attached' });
    for (const width of WIDTHS) {
      await page.setViewportSize({ width, height: 800 });
      for (const colorScheme of ['light', 'dark'] as const) {
        await page.emulateMedia({ colorScheme });
        await picture(page, `resolved-list-${width}-${colorScheme}`);
      }
      expect(await barriersIn(page)).toEqual([]);
    }
  });

  it('an alert that fires again says how long it is open since, and when it was first seen', async () => {
    const again = { dedup_key: 'again' };
    await publish('again', 'oven', 'Cold again', again);
    await publish('again', 'oven', 'Cold again', { ...again, status: 'resolved' });
    await publish('again', 'oven', 'Cold again', again);
    await eventually(async () =>
      expect(await found({ tenant: ['again'] })).toMatchObject([{ status: 'firing', occurrences: 3 }]),
    );
    await stack.sql(
      `update tocsin.alert set first_seen_at = now() - interval '3 days', reopened_at = now() - interval '5 minutes'
       where tenant_id = 'again'`,
    );
    const page = await signedIn('again');
    await row(page, 'Cold again').click();
    await page
      .getByTestId('drawer')
      .getByText(/open for [56] min/)
      .waitFor();
  });

  it.each(['en-GB', 'es-ES'])('the time of an alert that is older than a day fits its column: %s', async (locale) => {
    const title = `Of last week, ${locale}`;
    await publish('again', 'oven', title, { dedup_key: title });
    await heard('again', title);
    await stack.sql(`update tocsin.alert set last_seen_at = now() - interval '5 days' where tenant_id = 'again'`);
    for (const width of WIDTHS) {
      const page = await signedIn('again', { locale, viewport: { width, height: 800 } });
      const at = row(page, title).getByRole('gridcell').last();
      const words = await at.textContent();
      const overflow = await at.evaluate((cell: Cell) => {
        // the longest of the months, which this one may not be
        cell.firstChild.textContent = cell.textContent.replace(/\p{L}+/u, 'sept');
        return cell.scrollWidth - cell.clientWidth;
      });
      expect([width, words, overflow]).toEqual([width, expect.stringMatching(/\d\d:\d\d$|\d{4}$/), 0]);
    }
  });

  it('an excluded service or tenant is left out of the list, the numbers, the groups and the chart alike', async () => {
    await publish('left', 'oven', 'Oven 1', { severity: 'urgent' });
    await publish('left', 'till', 'Till 1', { severity: 'urgent' });
    await publish('other', 'oven', 'Oven 2', { severity: 'urgent' });
    for (const [tenant, title] of [
      ['left', 'Oven 1'],
      ['left', 'Till 1'],
      ['other', 'Oven 2'],
    ] as const)
      await heard(tenant, title);
    const page = await signedIn('left', { query: '?q=-service%3Atill%20-tenant%3Aother' });
    await row(page, 'Oven 1').waitFor();
    expect(await page.locator('[data-alert]').count()).toBe(1);
    await eventually(async () => expect(await page.getByTestId('open-urgent').first().textContent()).toBe('1'));
    await page.getByRole('button', { name: 'Open 1' }).waitFor();
    expect(await page.getByTestId('scope').first().textContent()).toBe('Open · not The other · not till');
    const till = page.getByRole('region', { name: 'Service' }).getByRole('button', { name: /^till/ });
    expect(await till.locator('[data-number]').textContent()).toBe('–');
    await picture(page, 'left-out');
    await page.getByRole('combobox', { name: 'Group' }).selectOption('service');
    await page.locator('[data-group="oven"]').getByText('×1').waitFor();
    expect(await page.locator('[data-group]').count()).toBe(1);
  });

  it('text keeps its order, a long message is folded, an old event says when it was, and the keys fit their lines', async () => {
    await publish('odd', 'mail', 'Invoice \u202egnp.exe', {
      message: Array.from({ length: 60 }, (_, n) => `line ${n}`).join('\n'),
      occurred_at: new Date(Date.now() - 20 * 3_600_000).toISOString(),
    });
    await heard('odd', 'Invoice \u202egnp.exe');
    const page = await signedIn('odd');
    await row(page, 'Invoice gnp.exe').click();
    const message = page.getByTestId('message');
    const height = async () => (await message.boundingBox())!.height;
    await page.getByRole('button', { name: 'Show all' }).waitFor();
    const folded = await height();
    await picture(page, 'long-message');
    await page.getByRole('button', { name: 'Show all' }).press('Enter');
    await page.getByRole('button', { name: 'Show less' }).waitFor();
    expect((await height()) / folded).toBeCloseTo(5, 0);
    await page.getByTestId('occurred').getByText('happened').waitFor();
    await page.keyboard.press('Escape');
    await page.getByTestId('drawer').waitFor({ state: 'detached' });
    for (const width of WIDTHS) {
      await page.setViewportSize({ width, height: 800 });
      await page.keyboard.press('?');
      const keys = page.getByRole('dialog').locator('dt');
      await keys.filter({ hasText: 'GR' }).waitFor();
      await keys.filter({ hasText: 'GA' }).waitFor();
      // a key's line is as high as one key
      const heights = await keys.evaluateAll((all) => all.map((one) => one.getBoundingClientRect().height));
      expect(Math.max(...heights)).toBeLessThan(30);
      expect(await barriersIn(page)).toEqual([]);
      await picture(page, `keys-${width}`);
      await page.keyboard.press('Escape');
      await page.getByRole('dialog').waitFor({ state: 'detached' });
    }
  });
});
