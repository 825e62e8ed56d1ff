import { Module, type OnApplicationShutdown } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { readSettings } from '@tocsin/settings';
import { AdminServer } from './admin-server';
import { Health } from './health';
import { Log, NestLogger } from './logger';
import { Metrics } from './metrics';
import { ObservabilityModule } from './observability.module';
import { observabilitySettings } from './settings';

const settings = readSettings(observabilitySettings({ ADMIN_PORT: 9090 }), { ADMIN_PORT: '0', LOG_LEVEL: 'fatal' });

test('several modules that import one object share one of everything, and its admin server closes last', async () => {
  const observability = ObservabilityModule.forRoot({ app: 'test', version: '1.2.3', settings });
  let answeredDuringShutdown: number | undefined;

  @Module({ imports: [observability] })
  class Adapter implements OnApplicationShutdown {
    constructor(readonly adminServer: AdminServer) {}
    async onApplicationShutdown() {
      answeredDuringShutdown = (await fetch(`http://127.0.0.1:${this.adminServer.address()!.port}/livez`)).status;
    }
  }
  @Module({ imports: [Adapter, observability] })
  class App {
    constructor(readonly adminServer: AdminServer) {}
  }

  const app = await NestFactory.createApplicationContext(App, { logger: false });
  app.useLogger(app.get(NestLogger));
  const adminServer = app.get(AdminServer);
  await adminServer.listen();
  expect(app.get(Adapter).adminServer).toBe(app.get(App).adminServer);
  for (const token of [Log, Metrics, Health]) expect(app.get(token as never)).toBeDefined();
  app.get(Health).ready();

  await app.close();
  expect(answeredDuringShutdown).toBe(200);
  expect(adminServer.address()).toBeUndefined();
  expect(app.get(Health).unreadiness).toBe('draining');
});

test('each app has its own default port, and a wrong level is named', () => {
  expect(readSettings(observabilitySettings({ ADMIN_PORT: 9091 }), {})).toMatchObject({
    ADMIN_PORT: 9091,
    LOG_LEVEL: 'info',
    METRICS_TENANT_LIMIT: 200,
  });
  expect(() =>
    readSettings(observabilitySettings({ ADMIN_PORT: 9091 }), { LOG_LEVEL: 'loud', ADMIN_PORT: '70000' }),
  ).toThrow(/ADMIN_PORT is not valid[\s\S]*LOG_LEVEL is not valid/);
});
