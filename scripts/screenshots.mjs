// Makes docs/page-light.png and docs/page-dark.png from a running demo: `npm run screenshots`. It needs Chromium.
import { PGlite } from '@electric-sql/pglite';
import { chromium } from 'playwright-core';
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { env, execPath, stdout } from 'node:process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const main = (app) => join(root, 'dist', 'apps', app, 'src', 'main.js');
const folder = mkdtempSync(join(tmpdir(), 'tocsin-screenshots-'));
const data = join(folder, 'data');
const executablePath =
  env.CHROMIUM_PATH ?? ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find(existsSync);

/** Starts a standalone with data of its own, and resolves with the address that signs the demo user in. */
async function start() {
  const child = spawn(execPath, [main('standalone')], {
    cwd: folder,
    env: { ...env, PORT: '0', ADMIN_PORT: '0', DATA_DIR: data, DRAIN_MS: '100' },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = new Promise((resolve) => child.once('close', resolve));
  const stop = () => child.kill('SIGTERM') && ended;
  for await (const line of createInterface({ input: child.stdout })) {
    const open = /Open\s+(http\S+)/.exec(line)?.[1];
    if (open) return { open, port: new URL(open).port, stop };
  }
  throw new Error('the demo did not start');
}

const run = (args, more) =>
  new Promise((resolve) =>
    spawn(execPath, args, { cwd: folder, env: { ...env, DATA_DIR: data, ...more }, stdio: 'inherit' }).once(
      'close',
      resolve,
    ),
  );

/**
 * Spreads the alerts that the demo published in seconds over an hour, so that the chart of the last hour is full
 * without waiting.
 */
async function spreadOverAnHour() {
  const database = new PGlite(join(data, 'database'));
  await database.exec(`
    create temp table shift as select alert_id, power(random(), 1.4) * interval '57 minutes' as by from tocsin.alert;
    update tocsin.alert a set first_seen_at = first_seen_at - s.by, last_seen_at = last_seen_at - s.by * case when occurrences > 1 then 0.6 else 1 end from shift s where s.alert_id = a.alert_id;
    update tocsin.event e set received_at = received_at - s.by from shift s where s.alert_id = e.alert_id;`);
  await database.close();
}

async function takePictures(browser, { open, port }) {
  const page = await browser.newPage({ viewport: { width: 1_440, height: 900 }, locale: 'en-GB' });
  await page.goto(open);
  await page.locator('[data-state-name=live]').waitFor();
  await page.locator('[data-alert]').first().waitFor();
  const token = new URLSearchParams(new URL(open).hash.slice(1)).get('token');
  const publish = (message) =>
    fetch(`http://localhost:${port}/api/v1/events`, {
      method: 'POST',
      headers: { Authorization: `Bearer ${token}`, 'Content-Type': 'application/json' },
      body: JSON.stringify(message),
    });
  const rows = page.locator('[data-alert][data-status=firing]');
  for (const [row, key] of [
    [3, 'a'],
    [5, 'm'],
    [6, 'a'],
  ]) {
    await rows.nth(row).focus();
    await page.keyboard.press(key);
  }
  await page.evaluate('document.activeElement.blur()');
  await page.waitForTimeout(10_500); // by then the notices of finished acts are gone
  await publish({
    tenant_id: 'north-bakery',
    service: 'oven',
    severity: 'urgent',
    name: 'oven_cold',
    title: 'Oven 2 lost its temperature',
    message: 'It fell from 230 °C to 184 °C in four minutes, with 60 loaves inside. https://ovens.example/2',
    labels: { site: 'North Street', oven: '2' },
    actions: [{ label: 'Open the oven’s page', url: 'https://ovens.example/2' }],
  });
  await publish({
    tenant_id: 'harbour-cafe',
    service: 'payments',
    severity: 'high',
    title: 'The card terminal at the bar is offline',
    message: 'Guests can pay in cash, or at the other till.',
    labels: { till: 'bar' },
  });
  const newest = page.locator('[data-alert]').filter({ hasText: 'Oven 2 lost' });
  await newest.click();
  await page.getByTestId('history').getByText('Raised').waitFor();
  await page.mouse.move(700, 30);
  await page.waitForTimeout(2_500);
  for (const colorScheme of ['light', 'dark']) {
    await page.emulateMedia({ colorScheme });
    await page.waitForTimeout(500);
    await page.screenshot({ path: join(root, 'docs', `page-${colorScheme}.png`) });
    stdout.write(`  ✓ docs/page-${colorScheme}.png\n`);
  }
}

const browser = await chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-gpu'] });
let running = await start();
try {
  await run([main('cli'), 'demo', '--rate', '40', '--count', '110', '--seed', '11'], { PORT: running.port });
  await running.stop();
  await spreadOverAnHour();
  running = await start();
  await takePictures(browser, running);
} finally {
  await browser.close();
  await running.stop();
  rmSync(folder, { recursive: true, force: true });
}
