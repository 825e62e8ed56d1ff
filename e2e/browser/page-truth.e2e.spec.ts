import type { Page } from 'playwright-core';
import { eventually } from '@tocsin/contracts/testing';
import { limitMs, sized, SIZE_NOTE } from '../faults/size';
import { ask } from '../kit/http';
import { describeWith } from '../kit/programs';
import { Stack } from '../kit/stack';
import { tokenFor } from '../kit/tokens';
import { barriersIn, MAY_ACT, picture, rowOf as row, Visits } from './dashboard-visits';
import { PageLife, RECORDING, tenantsOf } from './page-life';

/** `PAGE_SEED` makes the same decisions again. */
const SEED = Number(process.env.PAGE_SEED ?? Date.now() % 2 ** 31);
const LIVES = Number(process.env.PAGE_LIVES ?? sized(12, 2));
const STEPS = sized(40, 24);
/** How many alerts the list with groups has: more than the page loads. */
const GROUPED = 130;
const WIDTHS = [400, 900, 1_440];

describeWith('chromium', 'the page says only what it knows:', () => {
  let visits: Visits;
  let stack: Stack;
  const lives = Array.from({ length: LIVES }, (_, n) => `life${n}`);
  beforeAll(async () => {
    const opening = Visits.open();
    stack = await Stack.open({
      tenants: {
        ...Object.fromEntries(lives.map((tenant) => [`ana-${tenant}@example.test`, tenantsOf(tenant)])),
        ...Object.fromEntries(lives.map((tenant) => [`ben-${tenant}@example.test`, tenantsOf(tenant)])),
        'ben@example.test': ['groups', 'scope', 'story'],
        'grouper@example.test': ['groups'],
        'scoper@example.test': ['scope'],
        'reader@example.test': ['story'],
      },
    });
    visits = await opening;
  }, 60_000);
  afterEach(() => visits.end());
  afterAll(async () => {
    await visits?.close();
    await stack?.close();
  });

  const publish = (
    tenant: string,
    id: string,
    severity = 'high',
    more: Record<string, unknown> = {},
    service = 'oven',
  ) => stack.amqp.publish(`alert.${severity}.${service}`, { tenant_id: tenant, id, title: id, ...more });
  const signedIn = (user: string, options: Parameters<Visits['signedIn']>[2] = {}) =>
    visits.signedIn(stack.gateway.url, `${user}@example.test`, options);
  const call = async (user: string, method: string, path: string, body?: unknown): Promise<unknown> =>
    (
      await ask(stack.gateway.url, `/api/v1${path}`, {
        method,
        headers: {
          Authorization: `Bearer ${tokenFor(`${user}@example.test`, MAY_ACT)}`,
          'Content-Type': 'application/json',
        },
        ...(body !== undefined && { body: JSON.stringify(body) }),
      })
    ).json;
  const found = async (user: string, search: unknown = {}) =>
    ((await call(user, 'POST', '/alerts/search', search)) as { alerts: { alert_id: string; title: string }[] }).alerts;
  const textOf = (page: Page, testId: string) => page.getByTestId(testId).first().textContent();

  it(
    `in every frame of ${LIVES} random histories each row is what its alert was, and at rest rows and numbers are the server's (PAGE_SEED=${SEED})${SIZE_NOTE}`,
    async () => {
      let acts = 0;
      for (const [n, tenant] of lives.entries()) {
        const page = await signedIn(`ana-${tenant}`, { before: RECORDING });
        const life = new PageLife(stack, page, tenant, SEED + n);
        const wrong = await life.run(STEPS);
        expect(wrong.length > 0 ? [...wrong, ...life.steps] : wrong).toEqual([]);
        acts += life.actsOfUser;
        await visits.end();
      }
      // some lives press keys that change nothing, and of a few all may
      expect(acts).toBeGreaterThanOrEqual(sized(1, 0));
    },
    limitMs(LIVES * (STEPS + 20)),
  );

  it('a row that leaves says why, and a row that left for a reason unknown says nothing', async () => {
    await publish('story', 'To be snoozed');
    await publish('story', 'To be resolved');
    const page = await signedIn('reader');
    await row(page, 'To be snoozed').focus();
    await page.keyboard.press('s');
    await page.locator('[role=menuitem]:focus').press('Enter');
    await page.getByRole('menu').waitFor({ state: 'detached' });
    await page.evaluate('document.activeElement.blur()');
    const [alert] = (await found('ben')).filter(({ title }) => title === 'To be resolved');
    await call('ben', 'PATCH', `/alerts/${alert!.alert_id}`, { act: 'resolve' });
    await row(page, 'To be snoozed')
      .getByTestId('why-left')
      .getByText(/^Snoozed until (\w{3},? )?\d\d:\d\d$/)
      .waitFor();
    await row(page, 'To be resolved').getByTestId('why-left').getByText('Resolved by ben').waitFor();
    await picture(page, 'rows-that-leave');
    await row(page, 'To be resolved').waitFor({ state: 'detached' });
  });

  it('an alert whose answer is late is a skeleton, and one is said to be gone only when the server has said so', async () => {
    await publish('story', 'Late');
    await eventually(async () => expect((await found('ben')).map(({ title }) => title)).toContain('Late'));
    const late = (await found('ben')).find(({ title }) => title === 'Late')!;
    const page = await signedIn('reader', { clock: true });
    let answer: () => void = () => undefined;
    const held = new Promise<void>((resolve) => (answer = resolve));
    // an alert that no list holds is asked for by itself
    await page.route(`**/api/v1/alerts/${late.alert_id}`, async (route) => {
      await held;
      await route.continue();
    });
    const goTo = (query: string) => page.goto(`${stack.gateway.url}/${query}`);
    await goTo(`?view=resolved&alert=${late.alert_id}`);
    await page.getByTestId('drawer-skeleton').waitFor();
    await page.clock.fastForward(10_000);
    expect(await page.getByTestId('drawer-skeleton').count()).toBe(1);
    expect(await page.getByText('This alert is not there').count()).toBe(0);
    await picture(page, 'drawer-skeleton');
    answer();
    await page.getByTestId('drawer').getByRole('heading', { name: 'Late' }).waitFor();
    await goTo('?alert=00000000-0000-7000-8000-000000000000');
    await page.getByText('This alert is not there, or not yours to see.').waitFor();
  });

  it('a history tells what the alert said then, when, how long each state lasted, and who resolved it after how long', async () => {
    const at = (second: number) => new Date(Date.UTC(2026, 0, 1, 0, 0, second)).toISOString();
    const said = (second: number, title: string, severity: string, more: object = {}) =>
      publish('story', `flour-${second}`, severity, { dedup_key: 'flour', title, occurred_at: at(second), ...more });
    await said(1, 'Flour is low', 'medium', { message: '12 kg left' });
    await stack.stored(1);
    await eventually(async () => expect((await found('ben')).map(({ title }) => title)).toContain('Flour is low'));
    await said(2, 'Flour is nearly gone', 'urgent', { message: '2 kg left' });
    await eventually(async () =>
      expect((await found('ben')).map(({ title }) => title)).toContain('Flour is nearly gone'),
    );
    await said(3, 'Flour was delivered', 'urgent', { message: '500 kg' });
    await eventually(async () =>
      expect((await found('ben')).map(({ title }) => title)).toContain('Flour was delivered'),
    );
    const { alert_id } = (await found('ben')).find(({ title }) => title === 'Flour was delivered')!;
    // makes the states long enough to be told in minutes
    await stack.sql(
      `update tocsin.event set received_at = received_at - interval '14 minutes' where tenant_id = 'story' and alert_id = '${alert_id}' and severity = 'medium'`,
    );
    await call('ben', 'PATCH', `/alerts/${alert_id}`, { act: 'resolve' });
    const page = await signedIn('reader', { query: `?alert=${alert_id}&view=resolved` });
    const history = page.getByTestId('history');
    await history.getByText('Resolved').waitFor();
    const lines = await history.getByRole('listitem').allTextContents();
    expect(lines[0]).toMatch(/Resolved by Ben after 14 min/);
    expect(lines.find((line) => line.includes('Became Urgent'))).toMatch(/Flour is nearly gone2 kg left/);
    expect(lines.at(-1)).toMatch(/Raised · happened 1 Jan 00:00:01 · for 14 min.*Flour is low12 kg left/);
    expect(lines.every((line) => /\d\d:\d\d:\d\d/.test(line))).toBe(true);
    expect(await barriersIn(page)).toEqual([]);
    for (const width of WIDTHS) {
      await page.setViewportSize({ width, height: 800 });
      await picture(page, `history-${width}`);
    }
    await page.setViewportSize({ width: 1_440, height: 900 });
    await page.keyboard.press('Escape');
    await row(page, 'Flour was delivered').getByText('by ben').waitFor();
  });

  it('groups are the server’s: true numbers and worst severities beyond the page, in the chosen order, opened in place and acted on as a whole', async () => {
    await publish('groups', 'First and worst', 'urgent', {}, 'oven');
    await stack.stored(1);
    await Promise.all(
      Array.from({ length: GROUPED }, (_, n) => publish('groups', `oven ${n}`, 'low', { name: 'cold' }, 'oven')),
    );
    await publish('groups', 'Paper is out', 'high', {}, 'till');
    await eventually(async () => {
      const { facets } = (await call('ben', 'POST', '/alerts/search', {
        tenant: ['groups'],
        facets: true,
        limit: 1,
      })) as {
        facets: { service: Record<string, number> };
      };
      expect(facets.service).toEqual({ oven: GROUPED + 1, till: 1 });
    }, 20_000);
    const page = await signedIn('grouper', { query: '?group=service&order=severity' });
    const group = (key: string) => page.locator(`[data-group="${key}"]`);
    await group('oven')
      .getByText(`×${GROUPED + 1}`)
      .waitFor();
    const keys = () =>
      page.locator('[data-group]').evaluateAll((all) => all.map((one) => one.getAttribute('data-group')));
    expect(await keys()).toEqual(['oven', 'till']);
    expect(await group('oven').locator('[data-severity=urgent]').count()).toBe(1);
    for (const width of WIDTHS) {
      await page.setViewportSize({ width, height: 800 });
      for (const colorScheme of ['light', 'dark'] as const) {
        await page.emulateMedia({ colorScheme });
        await picture(page, `groups-${width}-${colorScheme}`);
      }
      expect(await barriersIn(page)).toEqual([]);
    }
    await group('till').getByRole('button', { expanded: false }).press('ArrowRight');
    await row(page, 'Paper is out').waitFor();
    expect(await keys()).toEqual(['oven', 'till']);
    await picture(page, 'groups-open');
    await row(page, 'Paper is out').focus();
    await page.keyboard.press('a');
    await group('till').getByTestId('group-taken').getByText('1 of 1 taken').waitFor();

    await page.getByRole('combobox', { name: 'Group' }).selectOption('name');
    await page.getByRole('button', { name: /Without a name/ }).press('Enter');
    await row(page, 'First and worst').waitFor();
    await row(page, 'Paper is out').waitFor();
    await group('cold')
      .getByRole('button', { name: `Acknowledge all ${GROUPED}` })
      .click();
    await page
      .getByRole('dialog', { name: `Do this to ${GROUPED} alerts?` })
      .getByRole('button', { name: 'Acknowledge' })
      .click();
    await group('cold').getByTestId('group-taken').getByText(`${GROUPED} of ${GROUPED} taken`).waitFor();
    const [{ acknowledged }] = (await stack.sql<{ acknowledged: string }>(
      `select count(*) as acknowledged from tocsin.alert where tenant_id = 'groups' and status = 'acknowledged'`,
    )) as [{ acknowledged: string }];
    expect(Number(acknowledged)).toBe(GROUPED + 1);
  });

  it('the numbers, the chart and the views have the filters of the list, the heading names them, and snoozed alerts are apart', async () => {
    await Promise.all([
      publish('scope', 'Oven 1', 'urgent', {}, 'oven'),
      publish('scope', 'Oven 2', 'high', {}, 'oven'),
      publish('scope', 'Oven 3', 'urgent', {}, 'oven'),
      publish('scope', 'Till 1', 'urgent', {}, 'till'),
    ]);
    await eventually(async () => expect(await found('scoper')).toHaveLength(4));
    const third = (await found('scoper')).find(({ title }) => title === 'Oven 3')!;
    await call('scoper', 'PATCH', `/alerts/${third.alert_id}`, {
      act: 'snooze',
      until: new Date(Date.now() + 3_600_000).toISOString(),
    });
    for (const [width, locale, heading] of [
      [1_440, 'en-GB', 'Open · service oven'],
      [900, 'es-ES', 'Abiertas · servicio oven'],
      [400, 'en-GB', 'Open · service oven'],
    ] as const) {
      const page = await signedIn('scoper', { query: '?q=service%3Aoven', viewport: { width, height: 800 }, locale });
      await eventually(async () => expect(await textOf(page, 'open-urgent')).toBe('1'));
      expect(await textOf(page, 'open-high')).toBe('1');
      expect(await textOf(page, 'scope')).toBe(heading);
      expect(await textOf(page, 'snoozed-urgent')).toMatch(/^· 1 /);
      if (width === 1_440) {
        // the chart's own request may be answered later than that of the numbers
        await eventually(async () =>
          expect(await page.locator('table td').allTextContents()).toEqual(
            expect.arrayContaining(['1', '1', '0', '0']),
          ),
        );
        await page.getByRole('button', { name: 'Open 2' }).waitFor();
        await page.getByRole('button', { name: 'Snoozed 1' }).waitFor();
      }
      expect(await barriersIn(page)).toEqual([]);
      await picture(page, `scope-${width}`);
      await visits.end();
    }
  });

  it('while the server has not counted, no number is shown', async () => {
    const page = await visits.blank();
    await page.route('**/api/v1/alerts/search', () => undefined);
    await page.route('**/api/v1/stats*', () => undefined);
    await page.goto(`${stack.gateway.url}/#token=${tokenFor('scoper@example.test', MAY_ACT)}`);
    await page.getByTestId('scope').waitFor();
    expect(await textOf(page, 'open-urgent')).toBe('–');
    expect(await page.locator('nav [data-number]').allTextContents()).not.toContain('0');
    await picture(page, 'not-counted-yet');
  });
});
