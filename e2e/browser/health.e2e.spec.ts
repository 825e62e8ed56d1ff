import { FaultProxy } from '@tocsin/fault-proxy';
import { eventually } from '@tocsin/contracts/testing';
import { ask } from '../kit/http';
import { describeWith } from '../kit/programs';
import { Stack } from '../kit/stack';
import { tokenFor } from '../kit/tokens';
import { barriersIn, picture, Visits } from './dashboard-visits';

const OPERATOR = 'alerts:read dead_letters:operate';
/** The gateway checks its services every 5 s, and the page asks as often. */
const SEEN_WITHIN_MS = 15_000;

describeWith('chromium', 'the health of the system, for its operator', () => {
  let visits: Visits;
  let redis: FaultProxy;
  let stack: Stack;
  beforeAll(async () => {
    const opening = Visits.open();
    redis = await FaultProxy.to(process.env.REDIS_URL!);
    stack = await Stack.open({ tenants: { olga: ['bakery'], ana: ['bakery'] }, gateways: 0 });
    await stack.startGateway({ REDIS_URL: redis.via(stack.environment.REDIS_URL!) });
    visits = await opening;
  }, 60_000);
  afterEach(() => visits.end());
  afterAll(async () => {
    await visits?.close();
    await stack?.close();
    await redis?.close();
  });

  it('says what is away since when and what that means, and that it is back; refused messages are counted', async () => {
    await stack.amqp.publish('alert.low.oven', 'no alert');
    await eventually(async () => expect(await stack.sql('select from tocsin.dead_letter')).toHaveLength(1));
    const page = await visits.signedIn(stack.gateway.url, 'olga', { scope: OPERATOR });
    await page.getByTestId('nav-health').click();
    expect(new URL(page.url()).searchParams.get('view')).toBe('health');
    const service = (name: string, status: string) =>
      page.locator(`[data-service=${name}][data-status=${status}]`).waitFor({ timeout: SEEN_WITHIN_MS });
    for (const name of ['postgres', 'rabbitmq', 'redis']) await service(name, 'up');
    await page.locator('[data-value=dead_letters]').getByText('1 waits for a decision').waitFor();
    for (const channel of ['email', 'sms', 'whatsapp', 'webhook', 'push'])
      expect(await page.locator(`[data-value=${channel}] dd`).textContent()).toBe('0');
    await page.getByTestId('health-gateway').getByText('1 of 1 tenant').waitFor();
    await page.getByTestId('health-gateway').getByText('olga 1', { exact: true }).waitFor();
    await page.getByTestId('health-gateway').getByText('not known: no alert was sent').waitFor();
    await stack.amqp.publish('alert.low.oven', {
      tenant_id: 'bakery',
      service: 'oven',
      severity: 'low',
      title: 'Cold',
    });
    await page
      .getByTestId('health-gateway')
      .getByText(/^half within [\d,]+ ms, 99 % within [\d,]+ ms; 1 alert measured/)
      .waitFor({ timeout: SEEN_WITHIN_MS });
    expect(await barriersIn(page)).toEqual([]);
    redis.refuse();
    redis.cut();
    await service('redis', 'down');
    await page.getByText('Alerts arrive up to 3 s later').waitFor();
    await picture(page, 'health-redis-away');
    redis.refuse(false);
    await service('redis', 'up');
    await page.locator('[data-value=dead_letters]').getByRole('button', { name: 'Show them' }).click();
    await page.getByTestId('refused').waitFor();
  });

  it('says that it is not known while the gateway does not answer, and since when', async () => {
    const page = await visits.signedIn(stack.gateway.url, 'olga', { scope: OPERATOR, query: '?view=health' });
    await page.locator('[data-service=postgres][data-status=up]').waitFor();
    await page.route('**/api/v1/health', (route) => route.abort());
    await page.getByTestId('health-not-known').waitFor({ timeout: SEEN_WITHIN_MS });
    expect(await barriersIn(page)).toEqual([]);
    await page.unroute('**/api/v1/health');
    await page.getByTestId('health-not-known').waitFor({ state: 'detached', timeout: SEEN_WITHIN_MS });
  });

  it.each([
    ['light', 1_440, 'en-GB', 'Health'],
    ['dark', 400, 'es-ES', 'Estado'],
  ] as const)('fits and can be read: %s, %i px, %s', async (colorScheme, width, locale, title) => {
    const page = await visits.signedIn(stack.gateway.url, 'olga', {
      scope: OPERATOR,
      query: '?view=health',
      colorScheme,
      locale,
      viewport: { width, height: 900 },
    });
    await page.getByRole('heading', { name: title, exact: true }).waitFor();
    await page.locator('[data-service=postgres][data-status=up]').waitFor();
    await picture(page, `health-${colorScheme}-${width}`);
    expect(await barriersIn(page)).toEqual([]);
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(width);
  });

  it('is not for those who do not operate: no entry, no view, 403', async () => {
    const page = await visits.signedIn(stack.gateway.url, 'ana', { query: '?view=health' });
    expect(await page.getByTestId('nav-health').count()).toBe(0);
    expect(await page.getByTestId('health').count()).toBe(0);
    const scope = 'alerts:read alerts:write dead_letters:manage';
    const headers = { Authorization: `Bearer ${tokenFor('ana', { scope })}` };
    const { status, json } = await ask(stack.gateway.url, '/api/v1/health', { headers });
    expect([status, json.code]).toEqual([403, 'insufficient_scope']);
  });
});
