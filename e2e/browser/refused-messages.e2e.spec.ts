import type { Page } from 'playwright-core';
import { eventually } from '@tocsin/contracts/testing';
import { ask } from '../kit/http';
import { describeWith } from '../kit/programs';
import { Stack } from '../kit/stack';
import { publisherToken, tokenFor } from '../kit/tokens';
import { barriersIn, picture, rowOf, Visits } from './dashboard-visits';

const MANAGER = 'alerts:read alerts:write dead_letters:manage';
const OPERATOR = 'alerts:read dead_letters:operate';
/** A name that is longer than a name may be. */
const LONG = 'low-stock-'.repeat(11);
/** A page looks every five seconds. */
const LIVE_WITHIN_MS = 20_000;

const badge = (page: Page) => page.getByTestId('nav-refused').locator('[data-number]');
const letters = (page: Page, reason: string) => page.locator(`[data-letter][data-reason=${reason}]`);
const becomes = (page: Page, number: string) =>
  eventually(async () => expect(await badge(page).textContent()).toBe(number), LIVE_WITHIN_MS);

describeWith('chromium', 'refused messages on the page', () => {
  let visits: Visits;
  let stack: Stack;
  beforeAll(async () => {
    visits = await Visits.open();
    stack = await Stack.open({
      tenants: {
        ana: [{ id: 'bakery', role: 'manager' }],
        vera: [{ id: 'bakery', role: 'viewer' }],
        ops: ['elsewhere'],
      },
    });
  }, 120_000);
  afterEach(async () => {
    await visits.end();
    await stack.sql('delete from tocsin.dead_letter');
  });
  afterAll(async () => {
    await visits?.close();
    await stack?.close();
  });

  const publish = (body: unknown, key = 'alert.high.inventory') => stack.amqp.publish(key, body as object);
  /** A message that the database refuses until `mend`. */
  async function unstorable(id: string): Promise<() => Promise<unknown>> {
    await stack.sql(
      `create function tocsin.refuse_it() returns trigger language plpgsql as $$ begin raise exception 'no' using errcode = 'data_exception'; end $$`,
    );
    await stack.sql(
      `create trigger refuse_it before insert on tocsin.event for each row when (new.event_id = '${id}') execute function tocsin.refuse_it()`,
    );
    return () =>
      stack.sql('drop trigger refuse_it on tocsin.event').then(() => stack.sql('drop function tocsin.refuse_it()'));
  }
  const visit = (user: string, scope: string, options: Parameters<Visits['signedIn']>[2] = {}) =>
    visits.signedIn(stack.gateway.url, user, { scope, ...options });

  it('come in live from the queue, with the reason, the marked place and a command without a token', async () => {
    const page = await visit('ana', MANAGER, {
      query: '?view=refused',
      permissions: ['clipboard-read', 'clipboard-write'],
    });
    await page.getByTestId('refused-none').waitFor();
    await becomes(page, '0');
    await publish({ tenant_id: 'bakery', id: 'bad', title: 'Flour', name: LONG });
    await letters(page, 'invalid_field').waitFor({ timeout: LIVE_WITHIN_MS });
    await becomes(page, '1');
    await letters(page, 'invalid_field').locator('summary').click();
    const body = page.getByTestId('letter-body');
    await body.locator('mark').waitFor();
    expect(await body.locator('mark').textContent()).toBe(`"name":"${LONG}"`);
    expect(await letters(page, 'invalid_field').textContent()).toMatch(/A field of the message is not valid.*\/name: /);
    await page.getByRole('button', { name: 'Copy as curl' }).click();
    await page.getByRole('button', { name: 'Copied' }).waitFor();
    const copied = await page.evaluate<string>('navigator.clipboard.readText()');
    expect(copied).toContain('Bearer $TOKEN');
    expect(copied).not.toMatch(/eyJ/);
    await picture(page, 'refused');
    expect(await barriersIn(page)).toEqual([]);
    expect(visits.failuresOf(page)).toEqual([]);
  });

  it('are named in the empty list, and a second run with the same id is among them', async () => {
    const run = (title: string) => publish({ tenant_id: 'bakery', id: 'stock-4711', title, severity: 'low' });
    const page = await visit('ana', MANAGER, { query: '?q=nothing-has-this-word' });
    await run('Flour is low');
    await run('Flour is gone');
    await becomes(page, '1');
    await page.goto(`${stack.gateway.url}/?view=mine`);
    await stack.sql(`update tocsin.alert set status = 'resolved' where tenant_id = 'bakery'`);
    await page.goto(`${stack.gateway.url}/`);
    const notice = page.getByTestId('refused-notice');
    await notice.waitFor({ timeout: LIVE_WITHIN_MS });
    expect(await notice.textContent()).toMatch(/^1 message was refused, the last \d+ s ago · Why$/);
    await picture(page, 'refused-notice');
    await notice.getByRole('button', { name: 'Why' }).click();
    await letters(page, 'id_conflict').waitFor();
    expect(new URL(page.url()).searchParams.get('view')).toBe('refused');
    await page.goBack();
    await notice.waitFor();
  });

  it('redriven after the cause is gone become alerts, and leave every page', async () => {
    const mend = await unstorable('held');
    const [page, other] = await Promise.all([
      visit('ana', MANAGER, { query: '?view=refused' }),
      visit('ops', OPERATOR, { query: '?view=refused' }),
    ]);
    await publish({ tenant_id: 'bakery', id: 'held', title: 'Oven is cold' });
    await Promise.all([page, other].map((one) => letters(one, 'store_failed').waitFor({ timeout: LIVE_WITHIN_MS })));
    await mend();
    await letters(page, 'store_failed').locator('summary').click();
    await page.getByRole('button', { name: 'Redrive', exact: true }).click();
    await Promise.all(
      [page, other].map(async (one) => {
        await one.getByTestId('refused-none').waitFor({ timeout: LIVE_WITHIN_MS });
        await becomes(one, '0');
      }),
    );
    await page.getByRole('button', { name: /^Open/ }).first().click();
    await rowOf(page, 'Oven is cold').waitFor();
  });

  it('that came and went between two looks at the number leave the list as well', async () => {
    const page = await visits.blank();
    await page.route('**/api/v1/dead-letters/summary', (route) => route.fulfill({ json: { open: 0, newest: null } }));
    await publish({ tenant_id: 'bakery', id: 'brief', title: 'x', name: LONG });
    await eventually(async () => expect(await stack.sql('select 1 from tocsin.dead_letter')).toHaveLength(1));
    await page.goto(`${stack.gateway.url}/?view=refused#token=${tokenFor('ana', { scope: MANAGER })}`);
    await letters(page, 'invalid_field').waitFor();
    await stack.sql('delete from tocsin.dead_letter');
    await page.getByTestId('refused-none').waitFor({ timeout: LIVE_WITHIN_MS });
  });

  it('are discarded one by one or many, after a question, with the reason on record', async () => {
    const page = await visit('ana', MANAGER, { query: '?view=refused' });
    for (const id of ['a', 'b', 'c']) await publish({ tenant_id: 'bakery', id, title: 'x', name: LONG });
    await becomes(page, '3');
    await letters(page, 'invalid_field').first().locator('summary').press('Enter');
    await page.getByRole('button', { name: 'Discard…' }).press('Enter');
    await page.getByRole('dialog').getByRole('textbox').fill('a test of ours');
    await page.keyboard.press('Enter');
    await becomes(page, '2');
    await page.getByRole('button', { name: 'Discard these…' }).click();
    await page.getByRole('button', { name: 'Cancel' }).click();
    expect(await badge(page).textContent()).toBe('2');
    await page.getByRole('button', { name: 'Discard these…' }).click();
    await page.getByRole('dialog').getByRole('textbox').fill('the rest');
    await picture(page, 'refused-ask');
    await page.getByRole('dialog').getByRole('button', { name: 'Discard' }).click();
    await page.getByTestId('refused-none').waitFor();
    expect(
      await stack.sql(`select decided_by, note, count(*)::int from tocsin.dead_letter group by 1, 2 order by 3`),
    ).toEqual([
      { decided_by: 'ana', note: 'a test of ours', count: 1 },
      { decided_by: 'ana', note: 'the rest', count: 2 },
    ]);
  });

  it('that come while the question is open are not decided with those that were listed', async () => {
    const page = await visit('ana', MANAGER, { query: '?view=refused' });
    for (const id of ['d', 'e']) await publish({ tenant_id: 'bakery', id, title: 'x', name: LONG });
    await becomes(page, '2');
    await page.getByRole('button', { name: 'Discard these…' }).click();
    await page.getByRole('dialog').getByRole('textbox').fill('both');
    await publish({ tenant_id: 'bakery', id: 'f', title: 'x', name: LONG });
    await becomes(page, '3');
    await eventually(async () => expect(await letters(page, 'invalid_field').count()).toBe(3), LIVE_WITHIN_MS);
    await page.getByRole('dialog').getByRole('button', { name: 'Discard' }).click();
    await becomes(page, '1');
    expect(await stack.sql(`select status, count(*)::int from tocsin.dead_letter group by 1 order by 2`)).toEqual([
      { status: 'open', count: 1 },
      { status: 'discarded', count: 2 },
    ]);
  });

  it('are hidden from a viewer whose roles could not be had at first', async () => {
    const page = await visits.blank();
    let failures = 3;
    await page.route('**/api/v1/tenants*', (route) =>
      failures-- > 0
        ? route.fulfill({
            status: 503,
            contentType: 'application/problem+json',
            body: JSON.stringify({ status: 503, code: 'tenant_service_unavailable', detail: 'It does not answer.' }),
          })
        : route.fallback(),
    );
    await page.goto(`${stack.gateway.url}/?view=refused#token=${tokenFor('vera', { scope: MANAGER })}`);
    await page.getByText('You may not see refused messages.').waitFor();
    expect(failures).toBeLessThan(0);
  });

  it('show an operator what names no tenant, and nothing to a viewer or without the scope', async () => {
    await publish('not JSON', 'any.key');
    await publish({ tenant_id: 'bakery', id: 'bad', title: 'x', name: LONG });
    const [ops, vera, ana] = await Promise.all([
      visit('ops', OPERATOR, { query: '?view=refused' }),
      visit('vera', MANAGER, { query: '?view=refused' }),
      visit('ana', 'alerts:read alerts:write', { query: '?view=refused' }),
    ]);
    await becomes(ops, '2');
    await letters(ops, 'invalid_json').locator('summary').click();
    expect(await ops.getByTestId('letter-body').locator('mark').textContent()).toBe('n');
    await vera.getByText('You may not see refused messages.').waitFor();
    await ana.getByRole('heading', { name: 'Open', level: 1 }).waitFor();
    for (const page of [vera, ana]) {
      expect(await page.getByTestId('nav-refused').count()).toBe(0);
      expect(await page.locator('[data-letter]').count()).toBe(0);
    }
  });

  it('take no keys that act on alerts, since those are not on the screen', async () => {
    await publish({ tenant_id: 'bakery', id: 'unseen', title: 'Till is stuck' });
    await publish({ tenant_id: 'bakery', id: 'bad', title: 'x', name: LONG });
    const page = await visit('ana', MANAGER);
    await rowOf(page, 'Till is stuck').waitFor();
    await page.keyboard.press('j');
    await page.keyboard.press('x');
    await page.getByTestId('nav-refused').click();
    await letters(page, 'invalid_field').waitFor();
    await page.getByRole('heading', { name: 'Refused messages' }).click();
    await page.keyboard.press('a');
    await page.keyboard.press('r');
    await page.keyboard.press('g');
    await page.keyboard.press('o');
    await rowOf(page, 'Till is stuck').waitFor();
    const [{ status }] = (await stack.sql(
      `select status from tocsin.alert where tenant_id = 'bakery' and title = 'Till is stuck'`,
    )) as [{ status: string }];
    expect(status).toBe('firing');
  });

  it('of a webhook over HTTP are seen with what was published beside them', async () => {
    const page = await visit('ana', MANAGER, { query: '?view=refused' });
    const alert = (name: string, labels: object) => ({
      status: 'firing',
      labels: { alertname: name, ...labels },
      startsAt: new Date().toISOString(),
    });
    const { status } = await ask(stack.gateway.url, '/api/v1/events?tenant=bakery&service=prometheus', {
      method: 'POST',
      headers: { Authorization: `Bearer ${publisherToken()}`, 'Content-Type': 'application/json' },
      body: JSON.stringify({
        version: '4',
        groupKey: '{}',
        status: 'firing',
        receiver: 'tocsin',
        groupLabels: {},
        commonLabels: {},
        commonAnnotations: {},
        externalURL: '',
        alerts: [alert('Fine', { severity: 'high' }), 'no alert'],
      }),
    });
    expect(status).toBe(202);
    await page.locator('[data-letter]').waitFor({ timeout: LIVE_WITHIN_MS });
    expect(await page.locator('[data-letter]').textContent()).toMatch(/invalid_field.*bakery/);
  });

  it('say that they are not known while the gateway is away, and never an old number', async () => {
    const page = await visit('ana', MANAGER, { query: '?view=refused' });
    await becomes(page, '0');
    await page.route('**/api/v1/dead-letters/summary', (route) => route.abort());
    await becomes(page, '–');
    await page.unroute('**/api/v1/dead-letters/summary');
  });

  it.each([
    ['1440', 1_440, 'light', 'en-GB'],
    ['900', 900, 'dark', 'es-ES'],
    ['400', 400, 'light', 'es-ES'],
    ['400-dark', 400, 'dark', 'en-GB'],
  ] as const)('fit at %s px', async (name, width, colorScheme, locale) => {
    await publish({
      tenant_id: 'bakery',
      id: 'bad',
      title: 'x'.repeat(60),
      name: LONG,
      labels: { site: 'north' },
    });
    const page = await visit('ana', MANAGER, {
      query: '?view=refused',
      viewport: { width, height: 800 },
      colorScheme,
      locale,
    });
    await letters(page, 'invalid_field').locator('summary').click();
    await page.getByTestId('letter-body').locator('mark').waitFor();
    expect(await page.evaluate('document.documentElement.scrollWidth - innerWidth')).toBeLessThanOrEqual(0);
    expect(await barriersIn(page)).toEqual([]);
    await picture(page, `refused-${name}`);
  });
});
