import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openReceiver, type Receiver } from '../../apps/notifier/src/channels/webhook/testing/receiver';
import type { Delivery } from '@tocsin/contracts/wire';
import { ask } from '../kit/http';
import { Processes, type AppProcess } from '../kit/processes';
import { describeWith } from '../kit/programs';
import { JWT_SECRET, tokenFor } from '../kit/tokens';
import { picture, rowOf as row, Visits } from './dashboard-visits';

const USER = 'ana@example.test';
const TENANT = 'north-bakery';
const SCOPES = { scope: 'alerts:read alerts:write events:publish' };
/** Within this time of the click on *Acknowledge* nothing is pending any more. */
const CANCELLED_WITHIN_MS = 1_000;

describeWith('chromium', 'the deliveries of an alert on the page of the standalone', () => {
  const processes = new Processes();
  let dataDir: string;
  let away: Receiver;
  let visits: Visits;
  let standalone: AppProcess;
  beforeAll(async () => {
    dataDir = mkdtempSync(join(tmpdir(), 'tocsin-deliveries-'));
    away = await openReceiver((response) => response.writeHead(503).end());
    const environment = { PORT: '0', ADMIN_PORT: '0', DATA_DIR: dataDir, DRAIN_MS: '300', LOG_LEVEL: 'info' };
    visits = await Visits.open();
    standalone = await processes.start('standalone', { ...environment, JWT_SECRET, WEBHOOK_ALLOW_PRIVATE: 'on' });
    await call('PUT', `/api/v1/recipients?tenant=${TENANT}`, {
      recipients: { urgent: { email: [USER], webhook: [away.url] } },
    });
  }, 120_000);
  afterAll(async () => {
    await visits?.end();
    await visits?.close();
    await processes.close();
    await away?.close();
    rmSync(dataDir, { recursive: true, force: true });
  });

  async function call<T>(method: string, path: string, body?: object): Promise<T> {
    const { status, text } = await ask(standalone.url, path, {
      method,
      headers: { Authorization: `Bearer ${tokenFor(USER, SCOPES)}`, 'Content-Type': 'application/json' },
      ...(body && { body: JSON.stringify(body) }),
    });
    if (status >= 300) throw new Error(`${method} ${path}: ${status} ${text}`);
    return JSON.parse(text) as T;
  }

  it('are a mail in the outbox, and what is pending is cancelled within a second of an acknowledgement, which the page says', async () => {
    const page = await visits.signedIn(standalone.url, USER);
    await call('POST', '/api/v1/events', {
      tenant_id: TENANT,
      service: 'inventory',
      severity: 'urgent',
      id: 'flour',
      title: 'Flour is low in the standalone',
    });
    await row(page, 'Flour is low in the standalone').click();
    const alertId = new URL(page.url()).searchParams.get('alert')!;
    const told = page.getByTestId('deliveries');
    await told.locator('[data-channel=email][data-state=sent]').waitFor();
    await told.locator('[data-channel=webhook][data-state=again]').waitFor();
    const attempts = away.received.length;
    expect(readdirSync(join(dataDir, 'outbox')).filter((name) => name.endsWith('.eml'))).toHaveLength(1);
    const clickedAt = Date.now();
    await page.getByTestId('drawer').getByRole('button', { name: 'Acknowledge' }).click();
    await told.locator('[data-channel=webhook][data-state=cancelled]').waitFor();
    await picture(page, 'deliveries-standalone');
    const { deliveries } = await call<{ deliveries: Delivery[] }>('GET', `/api/v1/alerts/${alertId}/deliveries`);
    expect(deliveries.map(({ channel, status, due_at }) => [channel, status, due_at]).sort()).toEqual([
      ['email', 'sent', null],
      ['webhook', 'cancelled', null],
    ]);
    const { settled_at } = deliveries.find(({ channel }) => channel === 'webhook')!;
    expect(Date.parse(settled_at!) - clickedAt).toBeLessThan(CANCELLED_WITHIN_MS);
    expect(away.received).toHaveLength(attempts);
    expect(visits.failuresOf(page)).toEqual([]);
  });
});
