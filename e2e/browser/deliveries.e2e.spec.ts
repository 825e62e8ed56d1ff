import type { Page } from 'playwright-core';
import { DeliveryPeers } from '../kit/delivery-peers';
import { freePort } from '../kit/free-port';
import { ask } from '../kit/http';
import { describeWith } from '../kit/programs';
import { Stack } from '../kit/stack';
import { tokenFor } from '../kit/tokens';
import { barriersIn, MAY_ACT, picture, rowOf as row, Visits } from './dashboard-visits';

const MAIL = 'ana@example.com';
const PHONE = '+4915112345678';
/** Within this time of the click on *Acknowledge* nothing is pending any more, and the page says so. */
const CANCELLED_WITHIN_MS = 1_000;
/** Runs in the page: notes how long after the next click the webhook is shown as cancelled, as `shownAfterMs`. */
const NOTE_WHEN_CANCELLED = `
  addEventListener('click', () => {
    const clickedAt = performance.now();
    window.clickedAtEpochMs = Date.now();
    const watch = new MutationObserver(() => {
      if (!document.querySelector('[data-testid=deliveries] [data-channel=webhook][data-state=cancelled]')) return;
      watch.disconnect();
      window.shownAfterMs = performance.now() - clickedAt;
    });
    watch.observe(document.body, { subtree: true, childList: true, attributes: true });
  }, { capture: true, once: true });
`;

/** The row of one delivery in the drawer. */
const told = (page: Page, channel: string) => page.getByTestId('deliveries').locator(`[data-channel=${channel}]`);
const becomes = (page: Page, channel: string, state: string) =>
  told(page, channel)
    .and(page.locator(`[data-state=${state}]`))
    .waitFor();

describeWith('chromium', 'the deliveries of an alert on the page', () => {
  let peers: DeliveryPeers;
  let visits: Visits;
  let stack: Stack;
  let publicUrl: string;
  beforeAll(async () => {
    [peers, visits] = await Promise.all([DeliveryPeers.open(), Visits.open()]);
    const port = await freePort();
    publicUrl = `http://127.0.0.1:${port}`;
    stack = await Stack.open({
      tenants: { ana: ['bakery'], vera: [{ id: 'bakery', role: 'viewer' }] },
      gatewayEnvironment: { PORT: String(port), ...peers.gatewayEnvironment(publicUrl) },
    });
    await call('ana', 'PUT', '/api/v1/recipients?tenant=bakery', {
      recipients: {
        urgent: { email: [MAIL], webhook: [peers.awayUrl] },
        high: { push: ['user:ana'], sms: [PHONE] },
      },
    });
  }, 120_000);
  afterEach(() => visits.end());
  afterAll(async () => {
    await visits?.close();
    await stack?.close();
    await peers?.close();
  });

  async function call(user: string, method: string, path: string, body?: object): Promise<void> {
    const { status, text } = await ask(stack.gateway.url, path, {
      method,
      headers: { Authorization: `Bearer ${tokenFor(user, MAY_ACT)}`, 'Content-Type': 'application/json' },
      ...(body && { body: JSON.stringify(body) }),
    });
    if (status >= 300) throw new Error(`${method} ${path}: ${status} ${text}`);
  }
  const publish = (severity: string, title: string) =>
    stack.amqp.publish(`alert.${severity}.inventory`, { tenant_id: 'bakery', id: title, title, message: '2 kg left' });
  const statusOf = async (title: string, channel: string) =>
    (
      await stack.sql<{ status: string }>(
        `select d.status from tocsin.delivery d join tocsin.event e using (tenant_id, alert_id)
         where e.title = $1 and e.change = 'raised' and d.channel = $2`,
        [title, channel],
      )
    )[0]?.status;
  /** The page with the alert's details open. */
  async function opened(title: string, user = 'ana', options: Parameters<Visits['signedIn']>[2] = {}): Promise<Page> {
    const page = await visits.signedIn(stack.gateway.url, user, options);
    await row(page, title).click();
    await page.getByTestId('drawer').getByRole('heading', { name: title }).waitFor();
    return page;
  }

  it('shows live how a mail waits, is sent and was accepted, and what waits for its next attempt', async () => {
    await publish('urgent', 'Flour is low');
    const page = await opened('Flour is low');
    // no notifier runs yet
    await becomes(page, 'email', 'waiting');
    await page.getByTestId('drawer').getByText('2 under way').waitFor();
    await picture(page, 'deliveries-waiting');
    await stack.startNotifier(peers.notifierEnvironment(publicUrl));
    await Promise.all([becomes(page, 'email', 'sent'), becomes(page, 'webhook', 'again')]);
    expect(peers.smtp.accepted).toHaveLength(1);
    await page.getByTestId('drawer').getByText('1 sent · 1 under way').waitFor();
    expect(await told(page, 'webhook').textContent()).toMatch(/Waiting for try 2, due (in \d+ s|now)/);
    await told(page, 'email').locator('summary').click();
    await told(page, 'email').getByText('Try 1 · accepted').waitFor();
    expect(await told(page, 'email').locator('code').textContent()).toMatch(/^250 /);
    await told(page, 'webhook').locator('summary').click();
    await told(page, 'webhook').getByText('Try 1 · failed · a fault at the provider').waitFor();
    // an opened delivery stays open while it changes
    await told(page, 'webhook').getByText('Try 2 · failed').waitFor();
    await picture(page, 'deliveries-attempts');
    expect(visits.failuresOf(page)).toEqual([]);
  });

  it('acknowledged on the page, cancels what is pending within a second, and says so', async () => {
    await publish('urgent', 'Oven is cold');
    const page = await opened('Oven is cold');
    await becomes(page, 'webhook', 'again');
    // the alert of the test before is sent to the same address
    const posts = () => peers.webhooks.received.filter(({ body }) => String(body).includes('Oven is cold')).length;
    const attempts = posts();
    await page.evaluate(NOTE_WHEN_CANCELLED);
    await page.getByTestId('drawer').getByRole('button', { name: 'Acknowledge' }).click();
    await becomes(page, 'webhook', 'cancelled');
    expect(await page.evaluate('shownAfterMs')).toBeLessThan(CANCELLED_WITHIN_MS);
    const [cancelled] = await stack.sql<{ settled_at: Date }>(
      `select d.settled_at from tocsin.delivery d join tocsin.event e using (tenant_id, alert_id)
       where e.title = 'Oven is cold' and e.change = 'raised' and d.status = 'cancelled'`,
    );
    const clickedAt = await page.evaluate<number>('clickedAtEpochMs');
    expect(cancelled!.settled_at.getTime() - clickedAt).toBeLessThan(CANCELLED_WITHIN_MS);
    await page.getByText('the alert was taken or resolved first').waitFor();
    expect(posts()).toBe(attempts);
    await picture(page, 'deliveries-cancelled');
  });

  it('sends again what was refused for good, for a user whose role is more than to read', async () => {
    await publish('high', 'Fridge is warm');
    const [ana, vera] = await Promise.all([opened('Fridge is warm'), opened('Fridge is warm', 'vera')]);
    // ana has no browser that is subscribed
    await Promise.all([becomes(ana, 'push', 'refused'), becomes(vera, 'push', 'refused')]);
    const browser = peers.push.subscribe();
    await call('ana', 'PUT', '/api/v1/push', browser.keys);
    await told(ana, 'push').getByRole('button', { name: 'Send again' }).waitFor();
    await picture(ana, 'deliveries-refused');
    await told(ana, 'push').getByRole('button', { name: 'Send again' }).click();
    await becomes(ana, 'push', 'sent');
    expect(browser.pushed).toHaveLength(1);
    await told(ana, 'push').locator('summary').click();
    await told(ana, 'push').getByText('Try 2 · accepted').waitFor();
    expect(await vera.getByRole('button', { name: 'Send again' }).count()).toBe(0);
  });

  it('says of what may have been sent that it may arrive twice, before it is sent again', async () => {
    const before = peers.twilio.given.length;
    peers.twilio.answers = [(request) => request.socket.destroy()];
    await publish('high', 'Till is stuck');
    const page = await opened('Till is stuck');
    await becomes(page, 'sms', 'unknown');
    await told(page, 'sms').getByRole('button', { name: 'Send again' }).click();
    await told(page, 'sms').getByText('It may arrive twice.').waitFor();
    await picture(page, 'deliveries-unknown');
    await told(page, 'sms').getByRole('button', { name: 'Cancel' }).click();
    expect(await statusOf('Till is stuck', 'sms')).toBe('unknown');
    await told(page, 'sms').getByRole('button', { name: 'Send again' }).click();
    await told(page, 'sms').getByRole('button', { name: 'Send all the same' }).click();
    await becomes(page, 'sms', 'sent');
    expect(peers.twilio.given.length - before).toBe(2);
  });

  it('tells apart what was not sent, what is not known and what is being loaded', async () => {
    await publish('low', 'Lamp is out');
    const page = await opened('Lamp is out');
    await page.getByTestId('deliveries-none').getByText('Nothing was sent about this alert.').waitFor();
    let answer!: () => void;
    const answered = new Promise<void>((resolve) => (answer = resolve));
    await page.route('**/deliveries', async (route) => {
      await answered;
      await route.abort();
    });
    await page.reload();
    const busy = page.getByTestId('drawer').locator('section').first().locator('[aria-busy]');
    await busy.waitFor();
    expect(await page.getByTestId('deliveries-none').count()).toBe(0);
    answer();
    await page.getByTestId('deliveries-not-known').waitFor();
    expect(await page.getByTestId('deliveries-none').count()).toBe(0);
    await picture(page, 'deliveries-not-known');
    await page.unroute('**/deliveries');
    await page.getByTestId('deliveries-not-known').getByRole('button', { name: 'Try again' }).click();
    await page.getByTestId('deliveries-none').waitFor();
  });

  it('says since when it is not known, also on another day, beside what was known last', async () => {
    await publish('urgent', 'Door is open');
    const page = await opened('Door is open', 'ana', { clock: true });
    await becomes(page, 'email', 'sent');
    // the webhook is pending, so the page asks again
    await page.route('**/deliveries', (route) => route.abort());
    await page
      .getByTestId('deliveries-stale')
      .getByText(/Not known since \d\d:\d\d:\d\d\./)
      .waitFor();
    await told(page, 'email').waitFor();
    await picture(page, 'deliveries-stale');
    await page.clock.fastForward('24:00:00');
    await page
      .getByTestId('deliveries-stale')
      .getByText(/Not known since \d+ \w+ \d\d:\d\d:\d\d\./)
      .waitFor();
  });

  it.each([
    ['light', 1_440, 'en-GB'],
    ['dark', 900, 'en-GB'],
    ['light', 900, 'es-ES'],
    ['dark', 400, 'es-ES'],
    ['light', 400, 'en-GB'],
  ] as const)('has nothing serious for axe to find: %s, %d px, %s', async (colorScheme, width, locale) => {
    const title = `Seen at ${width} ${colorScheme} ${locale}`;
    await publish('urgent', title);
    const page = await opened(title, 'ana', { colorScheme, locale, viewport: { width, height: 900 } });
    await becomes(page, 'email', 'sent');
    await told(page, 'email').locator('summary').click();
    await told(page, 'email').locator('code').waitFor();
    await picture(page, `deliveries-${colorScheme}-${width}-${locale}`);
    expect(await barriersIn(page)).toEqual([]);
    const overflow = await page.getByTestId('drawer').evaluate('document.documentElement.scrollWidth - innerWidth');
    expect(overflow).toBeLessThanOrEqual(0);
  });
});
