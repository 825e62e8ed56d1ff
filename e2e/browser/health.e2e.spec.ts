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
    await stack.startGateway({
      REDIS_URL: redis.via(stack.environment.REDIS_URL!),
      STREAMS_PER_TENANT: '500',
    });
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
    const line = (name: string) => page.locator(`[data-value="${name}"] dd`).first();
    const inQueue = '0 without those that a processor has in hand';
    expect(await line('queue-urgent').textContent()).toBe(inQueue);
    expect(await line('queue-common').textContent()).toBe(inQueue);
    for (const app of ['gateway', 'alert-processor'])
      await line(`process-${app}`)
        .getByText(/^version \S+, build \S+, heard now, started /)
        .waitFor({ timeout: SEEN_WITHIN_MS });
    await line('busiest_tenants').getByText('bakery 1 of 500 The limit is that of all gateways').waitFor();
    await page.getByTestId('health-weaknesses').getByText('nothing limits the requests of one client').waitFor();
    await page.locator('[data-value=closed] dd').first().getByText('none was closed').waitFor();
    for (const channel of ['email', 'sms', 'whatsapp', 'webhook', 'push'])
      expect(await line(channel).textContent()).toBe('0');
    await page.getByTestId('health-gateway').getByText('1 of 1 tenant; at most 20,000').waitFor();
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

  it('counts what waits while no processor stores it, and says which process has not ended in order', async () => {
    const [processor] = stack.processors;
    await processor!.kill();
    for (const severity of ['urgent', 'low', 'low'])
      await stack.amqp.publish(`alert.${severity}.oven`, {
        tenant_id: 'bakery',
        service: 'oven',
        severity,
        title: 'Waits',
      });
    const page = await visits.signedIn(stack.gateway.url, 'olga', { scope: OPERATOR, query: '?view=health' });
    const line = (name: string) => page.locator(`[data-value="${name}"] dd`).first();
    await line('queue-urgent').getByText('1, it is not known since when').waitFor({ timeout: SEEN_WITHIN_MS });
    await line('queue-common').getByText('2, it is not known since when').waitFor({ timeout: SEEN_WITHIN_MS });
    // half a minute more than is waited for: the page's clock may be 15 s behind
    await stack.sql(
      `update tocsin.running_process set heard_at = now() - interval '150 seconds' where app = 'alert-processor'`,
    );
    await line('process-alert-processor').getByText('silent, last heard 2 min').waitFor({ timeout: SEEN_WITHIN_MS });
    await picture(page, 'health-no-processor');
    expect(await barriersIn(page)).toEqual([]);
    await stack.startProcessor();
    await line('queue-common').getByText(/^0 /).waitFor({ timeout: SEEN_WITHIN_MS });
  });

  it('says that a service has sent its first refused message, until it is dismissed', async () => {
    const page = await visits.signedIn(stack.gateway.url, 'olga', { scope: OPERATOR });
    await page.getByTestId('nav-health').waitFor();
    await stack.amqp.publish('alert.low.till', 'no alert');
    await stack.amqp.publish('alert.low.till', 'no alert either');
    const notice = page.getByTestId('first-refusal');
    await notice.getByText(/^till sent its first refused message in a day \(now\): .* \(1 more since\)$/).waitFor();
    await picture(page, 'first-refusal');
    expect(await barriersIn(page)).toEqual([]);
    await notice.getByRole('button', { name: 'Dismiss' }).click();
    await notice.waitFor({ state: 'detached' });
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
    ['dark', 1_440, 'es-ES', 'Estado'],
    ['light', 400, 'en-GB', 'Health'],
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
