import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { eventually } from '@tocsin/contracts/testing';
import { PageServer } from './browser/page-server';
import { openBrowser } from './kit/browser';
import { describeWith } from './kit/programs';
import { SseParser } from './kit/sse-parser';
import { Stack } from './kit/stack';
import { tokenFor } from './kit/tokens';

describe('with STREAM_GZIP=on', () => {
  let pages: PageServer;
  let stack: Stack;
  beforeAll(async () => {
    pages = await PageServer.start();
    const gatewayEnvironment = { STREAM_GZIP: 'on', CORS_ORIGINS: pages.origin, HEARTBEAT_MS: '1000' };
    stack = await Stack.open({ tenants: { ana: ['bakery'] }, gatewayEnvironment });
  });
  afterAll(async () => {
    await stack?.close();
    await pages?.close();
  });

  const publish = (id: string) =>
    stack.amqp.publish('alert.urgent.inventory', { id, tenant_id: 'bakery', title: `Größe ≠ ${id}` });

  it.each([
    ['does not ask for it', {}],
    ['refuses it', { 'Accept-Encoding': 'gzip;q=0, *;q=0' }],
  ])('a client that %s has a plain stream, and a cache is told that others may not', async (who, headers) => {
    const stream = await stack.watch('ana', { headers });
    await publish(who);
    await stream.frame('inventory_alert');
    expect(stream.headers['content-encoding']).toBeUndefined();
    expect(stream.headers.vary).toBe('Origin, Accept-Encoding');
    stream.close();
  });

  it('without the setting no client gets it', async () => {
    const gateway = await stack.startGateway({ STREAM_GZIP: 'off' });
    const stream = await stack.watch('ana', { gateway, headers: { 'Accept-Encoding': 'gzip' } });
    expect(stream.headers['content-encoding']).toBeUndefined();
    expect(stream.headers.vary).toBe('Origin');
    stream.close();
  });

  it('curl --compressed prints alerts and heartbeats as they come, and finds the end in order', async () => {
    const gateway = await stack.startGateway();
    const curl = spawn('curl', [
      '-svN',
      '--compressed',
      '--max-time',
      '60',
      `${stack.eventsUrl(gateway)}?token=${tokenFor('ana')}`,
    ]);
    let told = '';
    curl.stderr.on('data', (chunk: Buffer) => (told += chunk.toString()));
    const seen = new SseParser();
    curl.stdout.on('data', (chunk: Buffer) => seen.push(chunk));
    const printed = (name: string) =>
      eventually(
        () =>
          seen.events.find(({ event }) => event === name) ??
          Promise.reject(new Error(`curl has printed no ${name}: ${told}`)),
      );
    try {
      await printed('connection');
      expect(told).toMatch(/^< content-encoding: gzip\r$/im);
      await publish('curl');
      expect(JSON.parse((await printed('inventory_alert')).data)).toMatchObject({
        event_id: 'curl',
        title: 'Größe ≠ curl',
      });
      await printed('heartbeat');
      const exit = once(curl, 'exit');
      await gateway.stop();
      expect(JSON.parse((await printed('close')).data)).toMatchObject({ reason: 'draining' });
      expect(await exit).toEqual([0, null]);
      expect(seen.faults).toEqual([]);
    } finally {
      curl.kill('SIGKILL');
    }
  });

  describeWith('chromium', 'an EventSource of a browser', () => {
    it('shows alerts and hears the heartbeat as they come', async () => {
      const browser = await openBrowser();
      try {
        const page = await browser.newPage();
        const answered = page.waitForResponse((response) => response.url().startsWith(stack.eventsUrl()));
        await page.goto(pages.address(tokenFor('ana'), stack.gateway.url));
        expect((await (await answered).allHeaders())['content-encoding']).toBe('gzip');
        const log = () => page.evaluate(() => (globalThis as unknown as { log: string[] }).log);
        await eventually(async () => expect(await log()).toContain('connection'));
        for (const id of ['first', 'second']) {
          await publish(id);
          await page.getByText(`inventory_alert inventory: Größe ≠ ${id}`).waitFor();
        }
        await eventually(async () => expect(await log()).toContain('heartbeat'));
        expect((await log()).filter((line) => line.startsWith('error'))).toEqual([]);
      } finally {
        await browser.close();
      }
    });
  });
});
