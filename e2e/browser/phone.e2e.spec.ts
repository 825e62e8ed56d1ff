import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { CDPSession, Locator, Page } from 'playwright-core';
import { eventually } from '@tocsin/contracts/testing';
import type { Alert } from '@tocsin/contracts/wire';
import { openBrowserWithProfile } from '../kit/browser';
import { ask } from '../kit/http';
import { describeWith } from '../kit/programs';
import { Stack } from '../kit/stack';
import { tokenFor } from '../kit/tokens';
import { barriersIn, hasSettled, heightOf, MAY_ACT, picture, rowOf as row, Visits } from './dashboard-visits';

const PHONE = { viewport: { width: 400, height: 800 }, hasTouch: true, isMobile: true, deviceScaleFactor: 2 };
/** What a finger hits without aiming. */
const FINGER_PX = 44;
const LONG_SERVICE = 'inventory-reservation-and-replenishment-worker-eu-west-1';
const LOOKS = [
  ['light', 'en-GB'],
  ['dark', 'es-ES'],
] as const;

describeWith('chromium', 'the page on a phone', () => {
  let visits: Visits;
  let stack: Stack;
  beforeAll(async () => {
    const opening = Visits.open();
    stack = await Stack.open({
      tenants: {
        'ana@example.test': ['bakery', 'north'],
        'ben@example.test': ['bakery', 'north'],
        'cleo@example.test': ['till'],
        'dan@example.test': ['till'],
        'eve@example.test': ['night'],
        'fay@example.test': ['many'],
        'gus@example.test': ['looks'],
      },
    });
    visits = await opening;
  }, 60_000);
  afterEach(() => visits.end());
  afterAll(async () => {
    await visits?.close();
    await stack?.close();
  });

  const publish = (tenant: string, title: string, severity = 'urgent', more: object = {}, service = 'oven') =>
    stack.amqp.publish(`alert.${severity}.${service}`, { tenant_id: tenant, id: title, title, ...more });
  const signedIn = (user: string, options: Parameters<Visits['signedIn']>[2] = {}) =>
    visits.signedIn(stack.gateway.url, `${user}@example.test`, { ...PHONE, ...options });
  const call = async <T>(user: string, method: string, path: string, body?: unknown): Promise<T> =>
    (
      await ask(stack.gateway.url, `/api/v1${path}`, {
        method,
        headers: {
          Authorization: `Bearer ${tokenFor(`${user}@example.test`, MAY_ACT)}`,
          'Content-Type': 'application/json',
        },
        ...(body !== undefined && { body: JSON.stringify(body) }),
      })
    ).json as T;
  /** The alert of this title, once it is stored. */
  const stored = (user: string, title: string): Promise<Alert> =>
    eventually(async () => {
      const { alerts } = await call<{ alerts: Alert[] }>(user, 'POST', '/alerts/search', {});
      return alerts.find((one) => one.title === title) ?? Promise.reject(new Error(`${title} is not stored.`));
    });
  const actOn = (user: string, { alert_id }: Alert, body: object) => call(user, 'PATCH', `/alerts/${alert_id}`, body);
  const bar = (page: Page) => page.getByTestId('phone-bar');
  const bars = (page: Page) => page.locator('[data-sonner-toast][data-removed=false]');

  it('acknowledges an alert that has just rung with one tap, and Mine has it then', async () => {
    const page = await signedIn('ana');
    await publish('bakery', 'The first oven is cold');
    const taps = countingTaps();
    await taps.on(bar(page).getByRole('button', { name: 'Acknowledge' }));
    await row(page, 'The first oven is cold').and(page.locator('[data-status=acknowledged]')).waitFor();
    expect(taps.count).toBe(1);
    await eventually(async () =>
      expect(await stored('ana', 'The first oven is cold')).toMatchObject({
        status: 'acknowledged',
        assignee: 'ana@example.test',
      }),
    );
    await page.getByRole('button', { name: 'Mine' }).tap();
    await row(page, 'The first oven is cold').waitFor();
  });

  it('acknowledges an alert whose push message was tapped with one tap more', async () => {
    await publish('bakery', 'The message of an oven');
    const alert = await stored('ana', 'The message of an oven');
    // the page that is open shows the alert when its notification is tapped: push.e2e.spec.ts has that first tap
    const page = await signedIn('ana', { query: `?alert=${alert.alert_id}` });
    const taps = countingTaps(1);
    await taps.on(page.getByTestId('drawer').getByRole('button', { name: 'Acknowledge' }));
    await eventually(async () =>
      expect(await stored('ana', alert.title)).toMatchObject({ status: 'acknowledged', actor: 'ana@example.test' }),
    );
    expect(taps.count).toBeLessThanOrEqual(2);
  });

  it.each(LOOKS)(
    'in an open alert says in a line of its own that another is urgent, and covers nothing: %s, %s',
    async (colorScheme, locale) => {
      await publish('looks', `Open ${locale}`, 'high', { message: 'It is opened, and worked on.' });
      const alert = await stored('gus', `Open ${locale}`);
      const page = await signedIn('gus', { query: `?alert=${alert.alert_id}`, colorScheme, locale });
      const drawer = page.getByTestId('drawer');
      const acts = drawer.locator('button').filter({ hasText: /^(Acknowledge|Reconocer)/ });
      await acts.waitFor();
      await publish('looks', `Second oven ${locale} is cold, and so is the third one beside it`);
      const line = page.getByTestId('urgent-line');
      await line.getByText(locale === 'en-GB' ? /^1 urgent: Second oven/ : /^1 urgente: Second oven/).waitFor();
      expect(await bar(page).count()).toBe(0);
      for (const one of [drawer.getByRole('heading', { level: 2 }), acts, drawer.locator('button[title*="Esc"]')])
        expect(await isOnTop(one)).toBe(true);
      const [lineAt, headingAt] = [
        await line.boundingBox(),
        await drawer.getByRole('heading', { level: 2 }).boundingBox(),
      ];
      expect(lineAt!.y + lineAt!.height).toBeLessThanOrEqual(headingAt!.y);
      await picture(page, `phone-urgent-line-${colorScheme}`);
      expect(await barriersIn(page)).toEqual([]);
      await line.getByRole('button').tap();
      await drawer.getByRole('heading', { name: `Second oven ${locale}` }).waitFor();
      await line.waitFor({ state: 'detached' });
    },
  );

  it('shows one bar for all that has rung: a newcomer is counted and takes no place under the finger', async () => {
    const page = await signedIn('eve');
    await publish('night', 'Mixer is stuck');
    await bar(page).getByText('Mixer is stuck').waitFor();
    await publish('night', 'Proofer is hot');
    await publish('night', 'Till is slow', 'high');
    await bar(page).getByText('and 2 more · 1 urgent').waitFor();
    await bar(page).getByText('Mixer is stuck').waitFor();
    expect(await bar(page).count()).toBe(1);
    await picture(page, 'phone-one-bar');
    await bar(page).getByRole('button', { name: 'Acknowledge' }).tap();
    // the others are not acted on by a second tap at the same place
    await bar(page).getByText('2 new alerts · 1 urgent').waitFor();
    expect(await bar(page).getByRole('button', { name: 'Acknowledge' }).count()).toBe(0);
    await bar(page).getByRole('button', { name: 'Dismiss' }).tap();
    await bar(page).waitFor({ state: 'detached' });
    expect((await stored('eve', 'Proofer is hot')).status).toBe('firing');
  });

  it('leaves one bar with Undo after two acts, under the sheet and the settings', async () => {
    await Promise.all([publish('till', 'Drawer is open', 'low'), publish('till', 'Paper is out', 'low')]);
    const page = await signedIn('cleo');
    const finger = await fingerOf(page);
    for (const title of ['Paper is out', 'Drawer is open']) await row(page, title).waitFor();
    await finger.swipe(row(page, 'Drawer is open'), 120);
    await bars(page).getByText('Acknowledged').waitFor();
    await finger.swipe(row(page, 'Paper is out'), -120);
    await bars(page).getByText('Snoozed').waitFor();
    // the bar before it fades away meanwhile
    await eventually(async () => expect(await bars(page).count()).toBe(1));
    await page.getByRole('button', { name: 'Filters' }).tap();
    await page.getByRole('dialog').waitFor();
    expect(await isOnTop(bars(page))).toBe(false);
    await page.keyboard.press('Escape');
    await bars(page).getByRole('button', { name: 'Undo' }).tap();
    await eventually(async () => expect((await stored('cleo', 'Paper is out')).status).toBe('firing'));
    expect((await stored('cleo', 'Drawer is open')).status).toBe('acknowledged');
    // Undo is offered for 8 s, and these take long on a busy machine
    await page.getByRole('button', { name: 'Filters' }).tap();
    await page.getByRole('dialog').waitFor();
    await picture(page, 'phone-sheet');
    expect(await barriersIn(page, '[role=dialog]')).toEqual([]);
  });

  it('asks until when, after a swipe over half of the row, and takes the last choice with Enter', async () => {
    await publish('night', 'Cellar is wet', 'low');
    // two at night: this morning is still to come
    const page = await signedIn('eve', { timezoneId: zoneWhereItIs(2) });
    const finger = await fingerOf(page);
    await row(page, 'Cellar is wet').waitFor();
    await finger.swipe(row(page, 'Cellar is wet'), -320);
    await page.getByRole('menuitem', { name: 'Until this morning 8:00' }).waitFor();
    await picture(page, 'phone-snooze');
    await page.getByRole('menuitem', { name: 'For 4 hours' }).tap();
    const { snoozed_until } = await eventually(async () => {
      const alert = await stored('eve', 'Cellar is wet');
      expect(alert.status).toBe('snoozed');
      return alert;
    });
    expect((Date.parse(snoozed_until!) - Date.now()) / 3_600_000).toBeCloseTo(4, 1);
    await bars(page).getByRole('button', { name: 'Undo' }).tap();
    await row(page, 'Cellar is wet').and(page.locator('[data-status=firing]')).focus();
    await page.keyboard.press('s');
    await page.locator('[role=menuitem]:focus').getByText('For 4 hours').waitFor();
    await page.keyboard.press('Enter');
    await eventually(async () => expect((await stored('eve', 'Cellar is wet')).status).toBe('snoozed'));
  });

  it('a row says who has the alert, and a long service leaves room for the tenant and the message', async () => {
    await publish('bakery', 'Long service', 'high', { message: '14 reservations are late' }, LONG_SERVICE);
    await publish('north', 'With ben', 'high', { message: 'He is on it' });
    await actOn('ana', await stored('ana', 'With ben'), { act: 'assign', assignee: 'ben@example.test' });
    await stored('ana', 'Long service');
    const page = await signedIn('ana');
    await row(page, 'With ben').getByRole('img', { name: 'Assigned to Ben' }).waitFor();
    const parts = await row(page, 'Long service')
      .locator('[class*=inlineService], [class*=tenant], [class*=message] > bdi')
      .evaluateAll((all: Boxed[]) =>
        all.map((part) => {
          const { right, width } = part.getBoundingClientRect();
          return { right, width, isCut: part.scrollWidth > part.clientWidth };
        }),
      );
    expect(parts).toHaveLength(3);
    for (const { right, width } of parts) {
      expect(right).toBeLessThanOrEqual(PHONE.viewport.width);
      expect(width).toBeGreaterThan(30);
    }
    expect(parts[0]!.isCut).toBe(true);
    await picture(page, 'phone-who');
  });

  it.each(LOOKS)(
    'without a network says as of when the list is, and cuts nothing beside it: %s, %s',
    async (...look) => {
      const [colorScheme, locale] = look;
      const page = await signedIn('dan', { colorScheme, locale, clock: true });
      await page.context().setOffline(true);
      await page.getByTestId('pill').and(page.locator('[data-state-name=offline]')).waitFor();
      await page.clock.fastForward('24:00:00');
      const asOf = page.getByText(/^(as of|actualizada) \d+ \w+ \d\d:\d\d:\d\d$/);
      await asOf.waitFor();
      await picture(page, `phone-as-of-${locale}`);
      for (const one of [asOf, ...(await page.locator('#alerts select').all())]) {
        const box = (await one.boundingBox())!;
        expect([box.x >= 0, box.x + box.width <= PHONE.viewport.width]).toEqual([true, true]);
      }
    },
  );

  it.each(LOOKS)(
    'a long press selects, taps select more, and the bar at the bottom acts on all: %s, %s',
    async (colorScheme, locale) => {
      const titles = [1, 2, 3].map((n) => `Batch ${n} ${locale}`);
      await Promise.all(titles.map((title) => publish('many', title, 'high')));
      const page = await signedIn('fay', { colorScheme, locale, query: `?q=${encodeURIComponent(locale)}` });
      const finger = await fingerOf(page);
      await Promise.all(titles.map((title) => row(page, title).waitFor()));
      await finger.press(row(page, titles[0]!));
      const selection = page.getByTestId('bulk');
      await selection.waitFor();
      expect(await page.getByTestId('drawer').count()).toBe(0);
      await row(page, titles[1]!).tap();
      await eventually(async () => expect(await page.locator('[aria-selected=true]').count()).toBe(2));
      const at = (await selection.boundingBox())!;
      expect(Math.round(at.y + at.height)).toBe(PHONE.viewport.height);
      for (const button of await selection.getByRole('button').all()) {
        const box = (await button.boundingBox())!;
        expect([box.x >= 0, box.x + box.width <= PHONE.viewport.width]).toEqual([true, true]);
      }
      const acknowledge = selection.getByRole('button', { name: /^(Acknowledge|Reconocer)$/ });
      expect(await heightOf(acknowledge)).toBeGreaterThanOrEqual(FINGER_PX);
      await picture(page, `phone-selection-${colorScheme}`);
      expect(await barriersIn(page)).toEqual([]);
      await acknowledge.tap();
      await selection.waitFor({ state: 'detached' });
      for (const [n, title] of titles.entries())
        await eventually(async () =>
          expect((await stored('fay', title)).status).toBe(n < 2 ? 'acknowledged' : 'firing'),
        );
      await row(page, titles[2]!).tap();
      await page.getByTestId('drawer').getByRole('heading', { name: titles[2]! }).waitFor();
    },
  );

  it('assigns to another user who is known in the tenant, or whose id is typed', async () => {
    await Promise.all([publish('till', 'For another', 'low'), publish('till', 'Of dan', 'low')]);
    await actOn('dan', await stored('dan', 'Of dan'), { act: 'acknowledge' });
    const alert = await stored('cleo', 'For another');
    const page = await signedIn('cleo', { query: `?alert=${alert.alert_id}` });
    await page.getByRole('button', { name: 'Assign to…' }).tap();
    const people = page.getByTestId('assign-to');
    await people.getByRole('button', { name: /Dan/ }).waitFor();
    await picture(page, 'phone-assign');
    expect(await barriersIn(page, '[data-testid=assign-to]')).toEqual([]);
    await people.getByRole('button', { name: /Dan/ }).tap();
    await eventually(async () => expect((await stored('cleo', 'For another')).assignee).toBe('dan@example.test'));
    await page.getByRole('button', { name: 'Assign to…' }).tap();
    await people.getByRole('textbox', { name: 'User' }).fill('zoe@example.test');
    await page.keyboard.press('Enter');
    await eventually(async () => expect((await stored('cleo', 'For another')).assignee).toBe('zoe@example.test'));
  });

  it.each(LOOKS)(
    'has nothing serious for axe to find: list, open alert and settings, %s, %s',
    async (colorScheme, locale) => {
      await publish('looks', `Seen ${locale}`, 'high', { message: 'a text', labels: { site: 'north' } });
      const alert = await stored('gus', `Seen ${locale}`);
      await actOn('gus', alert, { act: 'assign', assignee: 'ben@example.test' });
      const page = await signedIn('gus', { colorScheme, locale });
      await row(page, `Seen ${locale}`).waitFor();
      await picture(page, `phone-list-${colorScheme}`);
      expect(await barriersIn(page)).toEqual([]);
      await row(page, `Seen ${locale}`).tap();
      await page.getByTestId('history').getByRole('listitem').first().waitFor();
      await page.getByText(/^(Assign to…|Asignar a…)$/).waitFor();
      await picture(page, `phone-details-${colorScheme}`);
      expect(await barriersIn(page)).toEqual([]);
      await page.keyboard.press('Escape');
      await page.getByRole('button', { name: /^(Settings|Ajustes)/ }).tap();
      await page.getByRole('menu').waitFor();
      await picture(page, `phone-settings-${colorScheme}`);
      expect(await barriersIn(page, '[role=menu]')).toEqual([]);
      expect(visits.failuresOf(page)).toEqual([]);
    },
  );

  it('can be installed: the browser finds the manifest, its icons and nothing that is missing', async () => {
    const profile = mkdtempSync(join(tmpdir(), 'tocsin-installed-'));
    // a page of a private window cannot be installed, so this is a profile of its own
    const context = await openBrowserWithProfile(profile);
    try {
      const page = context.pages()[0] ?? (await context.newPage());
      await page.goto(stack.gateway.url);
      const browser = await context.newCDPSession(page);
      await eventually(async () => {
        const { installabilityErrors } = await browser.send('Page.getInstallabilityErrors');
        expect(installabilityErrors).toEqual([]);
      }, 20_000);
      const { url, errors, data } = await browser.send('Page.getAppManifest');
      expect(errors).toEqual([]);
      const manifest = JSON.parse(data!) as { icons: { src: string; sizes: string; type: string }[] };
      expect(manifest).toMatchObject({ name: 'Tocsin', start_url: '../', scope: '../', display: 'standalone' });
      const files = await Promise.all(
        [url, ...manifest.icons.map(({ src }) => src)].map((path) =>
          ask(stack.gateway.url, new URL(path, url).pathname),
        ),
      );
      expect(files.map(({ status, headers }) => [status, headers['content-type']])).toEqual([
        [200, 'application/manifest+json; charset=utf-8'],
        ...manifest.icons.map(() => [200, 'image/png']),
      ]);
    } finally {
      await context.close();
      rmSync(profile, { recursive: true, force: true });
    }
  });
});

/** What is used here of an element of the page. */
interface Boxed {
  scrollWidth: number;
  clientWidth: number;
  ownerDocument: { elementFromPoint(x: number, y: number): unknown };
  getBoundingClientRect(): { x: number; y: number; right: number; width: number; height: number };
  contains(other: unknown): boolean;
}

/** Taps as a person does, and counts; `before`: what was tapped outside the page. */
function countingTaps(before = 0) {
  const taps = {
    count: before,
    on: async (what: Locator) => {
      expect(await heightOf(what)).toBeGreaterThanOrEqual(FINGER_PX);
      await what.tap();
      taps.count += 1;
    },
  };
  return taps;
}

/** Whether a finger on the middle of an element touches it, or a part of it. */
const isOnTop = async (what: Locator): Promise<boolean> => {
  await hasSettled(what.page());
  return what.evaluate((one: Boxed) => {
    const { x, y, width, height } = one.getBoundingClientRect();
    return one.contains(one.ownerDocument.elementFromPoint(x + width / 2, y + height / 2));
  });
};

/** Further than a finger may move that rests. */
const FIRST_MOVE_PX = 12;

/** A finger of the browser's own: it touches, moves and lifts. */
async function fingerOf(page: Page) {
  const browser: CDPSession = await page.context().newCDPSession(page);
  const touch = (type: 'touchStart' | 'touchMove' | 'touchEnd', touchPoints: { x: number; y: number }[]) =>
    browser.send('Input.dispatchTouchEvent', { type, touchPoints });
  const frames = (count: number) =>
    page.evaluate(
      `new Promise((resolve) => { let left = ${count}; const next = () => (left-- > 0 ? requestAnimationFrame(next) : resolve()); next(); })`,
    );
  const middleOf = async (what: Locator) => {
    const { x, y, width, height } = (await what.boundingBox())!;
    return { x: x + width / 2, y: y + height / 2 };
  };
  return {
    /** Moves so far to the right, or with a negative number to the left, and rests before it lifts. */
    async swipe(what: Locator, by: number) {
      const from = await middleOf(what);
      const x = from.x - by / 2;
      // a finger that rests at first selects the row: the first move follows at once, whatever the machine does
      await Promise.all([
        touch('touchStart', [{ ...from, x }]),
        touch('touchMove', [{ ...from, x: x + Math.sign(by) * FIRST_MOVE_PX }]),
      ]);
      for (const share of [0.25, 0.5, 0.75, 1]) {
        await frames(2);
        await touch('touchMove', [{ ...from, x: x + by * share }]);
      }
      await frames(12);
      await touch('touchEnd', []);
    },
    /** Rests until the row is selected. */
    async press(what: Locator) {
      await touch('touchStart', [await middleOf(what)]);
      await what.and(page.locator('[aria-selected=true]')).waitFor();
      await touch('touchEnd', []);
    },
  };
}

/** A time zone, without daylight saving, in which it is this hour now. */
function zoneWhereItIs(hour: number): string {
  const ahead = ((hour - new Date().getUTCHours() + 36) % 24) - 12;
  // the sign of these zones is that of the distance to Greenwich, not of the clock
  return ahead === 0 ? 'Etc/GMT' : `Etc/GMT${ahead > 0 ? '-' : '+'}${Math.abs(ahead)}`;
}
