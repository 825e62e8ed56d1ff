import type { Page } from 'playwright-core';
import { eventually } from '@tocsin/contracts/testing';
import { ask } from '../kit/http';
import { describeWith } from '../kit/programs';
import { Stack } from '../kit/stack';
import { tokenFor } from '../kit/tokens';
import { barriersIn, heightOf, MAY_ACT, picture, rowOf as row, Visits } from './dashboard-visits';

/** The gateway of these tests replays at most this many entries. */
const MOST_REPLAYED = 11;
/** How many waves an urgent alert makes: five partials times three strikes. */
const URGENT_WAVES = 15;
/** How long the bell does not ring again after it has rung. */
const BELL_MS = 3_000;
/**
 * How many frames a finger rests before it lifts, so that it is no fling: the browser measures its speed over some
 * forty milliseconds.
 */
const RESTING_FRAMES = 8;
/** The smallest height of a button for a finger. */
const FINGER_PX = 44;
/**
 * From this length on, an interruption counts as an absence and gets a banner; after a shorter one the page shows
 * toasts.
 */
const AWAY_MS = 30_000;
/** How long a focused row without a key press stops the list. */
const KEYS_MS = 10_000;
/** Counts the waves of the bell, and lets a test move `performance.now()` of the page ahead. */
const LISTENING = `
  window.waves = 0; window.aheadMs = 0;
  const start = OscillatorNode.prototype.start;
  OscillatorNode.prototype.start = function (...when) { window.waves += 1; return start.apply(this, when); };
  const now = performance.now.bind(performance);
  performance.now = () => now() + window.aheadMs;`;
/** The colour `--urgent` of each theme, as RGB values in a canvas. */
const URGENT = { light: '150,10,63', dark: '242,52,80' };
/** The colour `--edge` of the light theme, which the hatching uses. */
const HATCH = '138,147,161';
/**
 * Counts the pixels of the chart that have a colour. `least` is the least opacity, because a slanted line is nowhere
 * opaque.
 */
const PIXELS = `(colour, least = 255) => {
  const canvas = document.querySelector('.uplot canvas');
  if (!canvas) return 0;
  const wanted = colour.split(',');
  const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
  let count = 0;
  for (let at = 0; at < data.length; at += 4) if (data[at + 3] >= least && wanted.every((one, channel) => Math.abs(one - data[at + channel]) < 4)) count += 1;
  return count;
}`;

describeWith('chromium', 'the page, for users who come and go', () => {
  let visits: Visits;
  let stack: Stack;
  const users = ['scheme', 'gap', 'away', 'lost', 'bell', 'phone', 'keys', 'many', 'views', 'leaving'];
  beforeAll(async () => {
    const opening = Visits.open();
    stack = await Stack.open({
      // a tenant for each test, so that no test sees another test's alerts
      tenants: Object.fromEntries(
        [...users, 'many-ben'].map((user) => [`${user}@example.test`, [user.split('-')[0]!]]),
      ),
      gatewayEnvironment: { REPLAY_MAX_EVENTS: String(MOST_REPLAYED) },
    });
    visits = await opening;
  }, 60_000);
  afterEach(() => visits.end());
  afterAll(async () => {
    await visits?.close();
    await stack?.close();
  });

  const publish = (tenant: string, title: string, severity = 'high', more: Record<string, unknown> = {}) =>
    stack.amqp.publish(`alert.${severity}.oven`, { tenant_id: tenant, id: title, title, ...more });
  const publishMany = (tenant: string, count: number) =>
    Promise.all(Array.from({ length: count }, (_, n) => publish(tenant, `${tenant} ${n}`)));
  const signedIn = (user: string, options: Parameters<Visits['signedIn']>[2] = {}) =>
    visits.signedIn(stack.gateway.url, `${user}@example.test`, options);
  const call = (user: string, method: string, path: string, body?: unknown) =>
    ask(stack.gateway.url, `/api/v1${path}`, {
      method,
      headers: {
        Authorization: `Bearer ${tokenFor(`${user}@example.test`, MAY_ACT)}`,
        'Content-Type': 'application/json',
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
  const toast = (page: Page, words: string) => page.getByTestId('toast').filter({ hasText: words });
  const inState = (page: Page, title: string, status: string) =>
    row(page, title).and(page.locator(`[data-status=${status}]`));

  it('draws the chart in the colours of the theme, whether the system or the user changes it, with and without motion', async () => {
    await publish('scheme', 'Seen in colour', 'urgent');
    for (const reducedMotion of ['reduce', 'no-preference'] as const) {
      const page = await signedIn('scheme', { colorScheme: 'light', reducedMotion });
      const drawnIn = (scheme: keyof typeof URGENT) =>
        eventually(
          async () => expect(await page.evaluate<number>(`(${PIXELS})('${URGENT[scheme]}')`)).toBeGreaterThan(20),
          5_000,
        );
      await drawnIn('light');
      await page.emulateMedia({ colorScheme: 'dark' });
      await drawnIn('dark');
      await page.keyboard.press('t');
      await drawnIn('light');
    }
  });

  it('hatches the time without data, says how many alerts could not be replayed and how many urgent ones are open, and loads them', async () => {
    const page = await signedIn('gap', { clock: true, colorScheme: 'light' });
    await page.locator('.uplot canvas').waitFor();
    await publish('gap', 'Seen before', 'urgent');
    await row(page, 'Seen before').waitFor();
    const hatched = () => page.evaluate<number>(`(${PIXELS})('${HATCH}', 64)`);
    expect(await hatched()).toBe(0);
    await page.context().setOffline(true);
    await page.getByTestId('pill').getByText('You are offline').waitFor();
    await page.clock.fastForward(600_000);
    await eventually(async () => expect(await hatched()).toBeGreaterThan(20));
    expect(await page.getByTestId('deaf').textContent()).toContain('Not heard from the server since');
    await publishMany('gap', MOST_REPLAYED);
    await publish('gap', 'Missed', 'urgent');
    await eventually(async () =>
      expect((await call('gap', 'POST', '/alerts/search', {})).json.alerts).toHaveLength(MOST_REPLAYED + 2),
    );
    await page.getByText(/^as of \d\d:\d\d:\d\d$/).waitFor();
    // a laptop that sleeps until the next day
    await page.clock.fastForward('24:00:00');
    await page.getByText(/^as of \d+ \w+ \d\d:\d\d:\d\d$/).waitFor();
    await page.context().setOffline(false);
    await page
      .getByTestId('gap')
      .getByText(`${MOST_REPLAYED + 1} alerts could not be replayed · 1 new urgent alert is open`)
      .waitFor();
    await page.getByTestId('gap').getByRole('button', { name: 'Load them' }).click();
    await page.getByTestId('gap').waitFor({ state: 'detached' });
    await eventually(async () => expect(await page.locator('[data-alert]').count()).toBe(MOST_REPLAYED + 2));
    await page.getByTestId('deaf').waitFor({ state: 'detached' });
  });

  it('tells a user who was away what came meanwhile, above a line, until the user has seen it on any device', async () => {
    await publish('away', 'From before');
    await eventually(async () =>
      expect((await call('away', 'POST', '/alerts/search', {})).json.alerts).toHaveLength(1),
    );
    await stack.sql(
      `update tocsin.alert set first_seen_at = first_seen_at - interval '10 minutes' where title = 'From before'`,
    );
    const { cursor } = (await call('away', 'POST', '/alerts/search', {})).json;
    await call('away', 'PUT', '/me/cursor', { cursor });
    await Promise.all([publish('away', 'Oven 1'), publish('away', 'Oven 2'), publish('away', 'Oven 3', 'urgent')]);
    await eventually(async () =>
      expect((await call('away', 'POST', '/alerts/search', {})).json.alerts).toHaveLength(4),
    );
    const before = `localStorage.setItem('tocsin.here', String(Date.now() - 60_000))`;
    const page = await signedIn('away', { before });
    const banner = page.getByTestId('catch-up');
    await banner.getByText('3 alerts while you were away · 1 urgent').waitFor();
    const line = page.getByTestId('new-since');
    expect(await line.textContent()).toMatch(/^New since (\w{3},? )?\d\d:\d\d$/);
    const [{ y: at }, { y: older }] = (await Promise.all([
      line.boundingBox(),
      row(page, 'From before').boundingBox(),
    ])) as [{ y: number }, { y: number }];
    expect(Math.abs(at - older)).toBeLessThan(2);
    expect(await barriersIn(page)).toEqual([]);
    await banner.getByRole('button', { name: 'Mark all seen' }).click();
    await Promise.all([banner.waitFor({ state: 'detached' }), line.waitFor({ state: 'detached' })]);
    // the position is sent at once; without the click it would be sent only after twenty seconds
    const newest = (await call('away', 'POST', '/alerts/search', {})).json.alerts as { last_seq: number }[];
    await eventually(
      async () =>
        expect((await call('away', 'GET', '/me/cursor')).json).toMatchObject({
          tenants: [{ seq: Math.max(...newest.map(({ last_seq }) => last_seq)) }],
        }),
      5_000,
    );
    const phone = await signedIn('away', { before });
    await row(phone, 'From before').waitFor();
    expect(await phone.getByTestId('catch-up').count()).toBe(0);
  });

  it('goes on when a row has the focus and no key follows, and after a lost connection shows toasts for a short interruption and a banner for a long one', async () => {
    await publish('lost', 'From before');
    await eventually(async () =>
      expect((await call('lost', 'POST', '/alerts/search', {})).json.alerts).toHaveLength(1),
    );
    await stack.sql(
      `update tocsin.alert set first_seen_at = first_seen_at - interval '10 minutes' where title = 'From before'`,
    );
    const page = await signedIn('lost', { clock: true });
    const banner = page.getByTestId('catch-up');
    const line = page.getByTestId('new-since');
    await row(page, 'From before').focus();
    await page.keyboard.press('Enter');
    await page.getByTestId('drawer').waitFor();
    await page.keyboard.press('Escape');
    await page.getByTestId('drawer').waitFor({ state: 'detached' });
    await publish('lost', 'Under the focus', 'low');
    await page.getByTestId('fresh').waitFor();
    expect(await row(page, 'Under the focus').count()).toBe(0);
    await page.clock.fastForward(KEYS_MS);
    await row(page, 'Under the focus').waitFor();

    /** Takes the network away, publishes the alerts, and brings the network back `ms` later by the page's clock. */
    const without = async (ms: number, ...alerts: [title: string, severity: string][]) => {
      await page.context().setOffline(true);
      await page.getByTestId('pill').getByText('You are offline').waitFor();
      const { length } = (await call('lost', 'POST', '/alerts/search', {})).json.alerts as unknown[];
      await Promise.all(alerts.map(([title, severity]) => publish('lost', title, severity)));
      await eventually(async () =>
        expect((await call('lost', 'POST', '/alerts/search', {})).json.alerts).toHaveLength(length + alerts.length),
      );
      await page.clock.fastForward(ms);
      await page.context().setOffline(false);
      await page.getByTestId('pill').and(page.locator('[data-state-name=live]')).waitFor();
    };
    await without(1_000, ['A moment', 'high']);
    await toast(page, 'A moment').waitFor();
    expect(await banner.count()).toBe(0);

    await without(AWAY_MS, ['Oven 1', 'high'], ['Oven 2', 'high'], ['Oven 3', 'urgent']);
    await banner.getByText('3 alerts while you were away · 1 urgent').waitFor();
    expect(await line.textContent()).toMatch(/^New since (\w{3},? )?\d\d:\d\d$/);
    await page.getByRole('button', { name: 'Low' }).first().click();
    await row(page, 'Oven 3').waitFor({ state: 'detached' });
    await banner.getByRole('button', { name: 'Show' }).click();
    await Promise.all([banner.waitFor({ state: 'detached' }), row(page, 'Oven 3').waitFor()]);
    // one of them is urgent: it stands first, and the line belongs to the order of time
    const order = page.getByRole('combobox', { name: 'Order' });
    expect(await order.inputValue()).toBe('severity');
    expect(await page.locator('[data-alert][aria-rowindex="1"]').textContent()).toContain('Oven 3');
    await order.selectOption('newest');
    await line.waitFor();

    await without(AWAY_MS, ['Oven 4', 'high']);
    await banner.getByText('1 alert while you were away').waitFor();
    await page.locator('[data-sonner-toast]').filter({ hasText: 'A moment' }).waitFor({ state: 'detached' });
    expect(await page.getByTestId('toast').count()).toBe(0);
    await banner.getByRole('button', { name: 'Mark all seen' }).click();
    await Promise.all([banner.waitFor({ state: 'detached' }), line.waitFor({ state: 'detached' })]);
    const newest = (await call('lost', 'POST', '/alerts/search', {})).json.alerts as { last_seq: number }[];
    await eventually(async () =>
      expect((await call('lost', 'GET', '/me/cursor')).json).toMatchObject({
        tenants: [{ tenant_id: 'lost', seq: Math.max(...newest.map(({ last_seq }) => last_seq)) }],
      }),
    );
  });

  it('rings once within three seconds, after the first click, unless it is muted or set to do-not-disturb', async () => {
    const page = await signedIn('bell', { before: LISTENING });
    const waves = () => page.evaluate<number>('window.waves');
    const later = () => page.evaluate(`window.aheadMs += ${BELL_MS}`);
    await publish('bell', 'Before a touch', 'urgent');
    await toast(page, 'Before a touch').waitFor();
    await page.getByRole('button', { name: 'Sound is off until you click' }).waitFor();
    expect(await waves()).toBe(0);
    // a click on an empty place
    await page.mouse.click(600, 26);
    await page.getByRole('button', { name: 'Sound is on' }).waitFor();
    await publish('bell', 'First', 'urgent');
    await publish('bell', 'Second', 'urgent');
    await toast(page, 'Second').waitFor();
    expect(await waves()).toBe(URGENT_WAVES);
    await later();
    await publish('bell', 'Later', 'urgent');
    await eventually(async () => expect(await waves()).toBe(2 * URGENT_WAVES));

    await page.keyboard.press('d');
    await page.getByRole('button', { name: /Quiet · / }).waitFor();
    await later();
    await publish('bell', 'Not now');
    await row(page, 'Not now').or(page.getByTestId('fresh')).first().waitFor();
    await publish('bell', 'Let through', 'urgent');
    await eventually(async () => expect(await waves()).toBe(3 * URGENT_WAVES));
    expect(await toast(page, 'Not now').count()).toBe(0);
    await page.keyboard.press('d');

    await page.getByRole('button', { name: 'Sound is on' }).click();
    await page.getByRole('switch', { name: 'Sound and quiet' }).click();
    await page.keyboard.press('Escape');
    await later();
    await publish('bell', 'Muted', 'urgent');
    await eventually(async () =>
      expect(
        await page
          .locator('[data-sonner-toast]')
          .filter({ hasText: /Muted|new alert|more/ })
          .count(),
      ).toBeGreaterThan(0),
    );
    expect(await waves()).toBe(3 * URGENT_WAVES);
  });

  it('is worked by a finger: a swipe to the right acknowledges, one to the left snoozes, and both can be undone', async () => {
    await publish('phone', 'Under a finger');
    const page = await signedIn('phone', { viewport: { width: 400, height: 800 }, hasTouch: true, isMobile: true });
    const touch = await page.context().newCDPSession(page);
    const swipe = async (by: number) => {
      const { x, y, width, height } = (await row(page, 'Under a finger').boundingBox())!;
      const at = (share: number) => [{ x: x + width / 2 + by * share, y: y + height / 2 }];
      // The finger rests before it lifts. After a fling the browser believes that the page is still gliding, and the
      // next
      // tap would stop the gliding instead of clicking.
      const frames = (count: number) =>
        page.evaluate(
          `new Promise((resolve) => { let left = ${count}; const next = () => (left-- > 0 ? requestAnimationFrame(next) : resolve()); next(); })`,
        );
      // a finger that rests at first selects the row: the first move follows at once, whatever the machine does
      await Promise.all([
        touch.send('Input.dispatchTouchEvent', { type: 'touchStart', touchPoints: at(0) }),
        touch.send('Input.dispatchTouchEvent', { type: 'touchMove', touchPoints: at((12 * Math.sign(by)) / by) }),
      ]);
      for (const share of [0.25, 0.5, 0.75, 1]) {
        await frames(2);
        await touch.send('Input.dispatchTouchEvent', { type: 'touchMove', touchPoints: at(share) });
      }
      await frames(RESTING_FRAMES);
      await touch.send('Input.dispatchTouchEvent', { type: 'touchEnd', touchPoints: [] });
    };
    const undo = async () => {
      const button = page.getByRole('button', { name: 'Undo', exact: true });
      expect(await heightOf(button)).toBeGreaterThanOrEqual(FINGER_PX);
      await button.tap();
      await button.waitFor({ state: 'detached' });
    };
    await swipe(120);
    await inState(page, 'Under a finger', 'acknowledged').waitFor();
    await undo();
    await inState(page, 'Under a finger', 'firing').waitFor();
    await swipe(40);
    await swipe(-120);
    await inState(page, 'Under a finger', 'snoozed').waitFor();
    await undo();
    await inState(page, 'Under a finger', 'firing').waitFor();
    // the short swipe did nothing
    const history = `/alerts/${await row(page, 'Under a finger').getAttribute('data-alert')}/history`;
    // the row shows what was done before the server has done it
    await eventually(async () => {
      const { events } = (await call('phone', 'GET', history)).json as { events: { change: string }[] };
      expect(events.map(({ change }) => change)).toEqual([
        'unsnoozed',
        'snoozed',
        'unacknowledged',
        'acknowledged',
        'raised',
      ]);
    });
  });

  it('says what became of an alert to the last frame of its row: a snoozed one is never called resolved', async () => {
    await publish('leaving', 'On its way out');
    const page = await signedIn('leaving');
    await row(page, 'On its way out').focus();
    // every state that the row shows from here on
    await page.evaluate(`{
      const row = document.querySelector('[data-alert]');
      window.states = new Set([row.dataset.status]);
      const list = row.parentElement.parentElement;
      new MutationObserver(() => {
        for (const one of list.querySelectorAll('[data-alert]')) window.states.add(one.dataset.status);
      }).observe(list, { subtree: true, childList: true, attributes: true });
    }`);
    await page.keyboard.press('s');
    await page.locator('[role=menuitem]:focus').press('Enter');
    await inState(page, 'On its way out', 'snoozed').waitFor();
    await page.evaluate('document.activeElement.blur()');
    await row(page, 'On its way out').waitFor({ state: 'detached' });
    expect(await page.evaluate('[...window.states].sort()')).toEqual(['firing', 'snoozed']);
  });

  it('has a key for the most frequent acts', async () => {
    await publish('keys', 'At hand');
    const page = await signedIn('keys');
    await row(page, 'At hand').focus();
    const press = async (...keys: string[]) => {
      for (const key of keys) await page.keyboard.press(key);
    };
    await press('m');
    await row(page, 'At hand')
      .getByRole('img', { name: /Assigned to/ })
      .waitFor();
    await press('s');
    await page.locator('[role=menuitem]:focus').getByText('For 1 hour').press('Enter');
    await inState(page, 'At hand', 'snoozed').waitFor();
    await press('z');
    await inState(page, 'At hand', 'firing').waitFor();
    await press('g', 'm');
    await eventually(() => expect(page.url()).toContain('view=mine'));
    await press('1');
    await page.getByText('Nothing matches').waitFor();
    await press('1', '2');
    await row(page, 'At hand').waitFor();
    await press('j', 'o');
    await page.getByTestId('drawer').waitFor();
    await press('r');
    await page.getByTestId('history').getByText('Resolved').waitFor();
    await press('Shift+R');
    await page.getByTestId('history').getByText('Re-opened').waitFor();
    await press('Escape', 'Control+k');
    await page.getByRole('dialog').waitFor();
    await page.keyboard.type('snoozed');
    await press('Enter');
    await eventually(() => expect(page.url()).toContain('view=snoozed'));
  });

  it('acts on all that match, listed or not, after a confirmation, and names the alerts on which another user was faster', async () => {
    const MANY = 130;
    await publishMany('many', MANY);
    await stack.stored(MANY);
    const page = await signedIn('many');
    await row(page, 'many').first().waitFor();
    await page.keyboard.press('Control+a');
    await page
      .getByTestId('bulk')
      .getByRole('button', { name: `Select all ${MANY} that match` })
      .click();
    await page.getByTestId('bulk').getByText(`${MANY} selected`).waitFor();
    expect(await barriersIn(page)).toEqual([]);
    const sent: number[] = [];
    await page.route('**/api/v1/alerts', async (route) => {
      const { alert_ids } = route.request().postDataJSON() as { alert_ids: string[] };
      sent.push(alert_ids.length);
      await call('many-ben', 'PATCH', '/alerts', { act: 'resolve', alert_ids: alert_ids.slice(0, 3) });
      await route.continue();
    });
    const question = page.getByRole('dialog', { name: `Do this to ${MANY} alerts?` });
    await page.keyboard.press('a');
    await question.waitFor();
    expect(await barriersIn(page)).toEqual([]);
    await picture(page, 'act-on-many');
    await page.keyboard.press('Escape');
    await question.waitFor({ state: 'detached' });
    expect(sent).toEqual([]);
    expect(await page.getByTestId('bulk').getByText(`${MANY} selected`).count()).toBe(1);
    await page.keyboard.press('a');
    await question.getByRole('button', { name: 'Acknowledge' }).press('Enter');
    const refusal = page.locator('[data-sonner-toast]').filter({ hasText: `3 of ${MANY} were not done` });
    await refusal.waitFor();
    expect((await refusal.textContent())!.match(/“many \d+”/g)).toHaveLength(3);
    expect(sent).toEqual([MANY]);
    const { facets } = (await call('many', 'POST', '/alerts/search', { facets: true, limit: 1 })).json as {
      facets: { status: Record<string, number> };
    };
    expect(facets.status).toMatchObject({ acknowledged: MANY - 3, resolved: 3 });
  });

  it('folds the list by service, saves a view under a name, and snoozes until a chosen time', async () => {
    await Promise.all([
      publish('views', 'Oven is cold', 'urgent'),
      publish('views', 'Oven is colder'),
      stack.amqp.publish('alert.low.till', { tenant_id: 'views', id: 'till', title: 'Paper is low' }),
    ]);
    const page = await signedIn('views');
    await row(page, 'Paper is low').or(page.getByTestId('fresh')).first().waitFor();
    await page.getByRole('combobox', { name: 'Group' }).selectOption('service');
    const oven = page.getByTestId('groups').getByRole('button', { name: /oven/ });
    await oven.filter({ hasText: '×2' }).waitFor();
    expect(await barriersIn(page)).toEqual([]);
    await oven.press('Enter');
    await row(page, 'Oven is colder').waitFor();
    expect(await row(page, 'Paper is low').count()).toBe(0);
    await page.getByRole('combobox', { name: 'Group' }).selectOption('none');
    await page.getByRole('button', { name: 'oven 2' }).press('Enter');
    await row(page, 'Paper is low').waitFor({ state: 'detached' });

    await page.getByRole('button', { name: 'Save this view' }).click();
    await page.getByRole('textbox', { name: 'Name of the view' }).fill('My ovens');
    await page.keyboard.press('Enter');
    await page.goto(stack.gateway.url);
    await row(page, 'Paper is low').waitFor();
    const saved = page.getByRole('link', { name: 'My ovens' });
    expect(await saved.getAttribute('href')).toBe('/?q=service%3Aoven');
    await saved.press('Enter');
    await row(page, 'Paper is low').waitFor({ state: 'detached' });

    await row(page, 'Oven is colder').click();
    await page.getByTestId('drawer').getByRole('button', { name: 'Snooze' }).press('Enter');
    await page.getByRole('menuitem', { name: 'Until…' }).press('Enter');
    const tomorrow = new Date(Date.now() + 86_400_000).toISOString().slice(0, 10);
    const field = page.getByRole('dialog').getByLabel('Snooze until');
    await field.fill(`${tomorrow}T17:30`);
    expect(await barriersIn(page)).toEqual([]);
    await field.press('Enter');
    await page.getByTestId('history').getByText('Snoozed').waitFor();
    const { alerts } = (await call('views', 'POST', '/alerts/search', { status: ['snoozed'] })).json as {
      alerts: { title: string; snoozed_until: string }[];
    };
    const until = await page.evaluate<string>(`new Date('${tomorrow}T17:30').toISOString()`);
    expect(alerts.map(({ title, snoozed_until }) => [title, snoozed_until])).toEqual([['Oven is colder', until]]);

    await page.getByRole('button', { name: 'Forget My ovens' }).press('Enter');
    await saved.waitFor({ state: 'detached' });
  });
});
