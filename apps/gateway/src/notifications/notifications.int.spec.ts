import 'reflect-metadata';
import { Module } from '@nestjs/common';
import { APP_FILTER, NestFactory } from '@nestjs/core';
import type { NestExpressApplication } from '@nestjs/platform-express';
import type { AddressInfo } from 'node:net';
import { AuthModule, authSettings, ClaimTenantDirectory } from '@tocsin/auth';
import {
  AccessChanges,
  AlertQueries,
  bind,
  Deliveries,
  Notifications,
  RecipientBook,
  TenantDirectory,
  TicketStore,
} from '@tocsin/contracts/ports';
import { aTenant, MemoryAccessChanges, type PlayedQueue } from '@tocsin/contracts/testing';
import type { TenantId } from '@tocsin/contracts';
import { Log, Metrics, ObservabilityModule, observabilitySettings } from '@tocsin/observability';
import {
  Database,
  PostgresAlertQueries,
  PostgresDeliveries,
  PostgresEventLog,
  PostgresNotifications,
  PostgresRecipientBook,
} from '@tocsin/postgres';
import { freshDatabase, playedQueue, type FreshDatabase } from '@tocsin/postgres/testing';
import { readSettings } from '@tocsin/settings';
import { provideVisibleTenants, VisibleTenants } from '../access/visible-tenants';
import { AlertDeliveriesController } from '../deliveries/alert-deliveries.controller';
import { DeliveriesController } from '../deliveries/deliveries.controller';
import { KeepDeliveries } from '../deliveries/keep-deliveries';
import { prepareHttp } from '../http-server';
import { provideRequestCheck } from '../request/before-request';
import { ProblemFilter } from '../problems/problem.filter';
import { RecipientsController } from '../recipients/recipients.controller';
import { KeepNotifications } from './keep-notifications';
import { NotificationsController } from './notifications.controller';
import { describeAskedFor } from './testing/asked-for.contract';
import { describeDeliveryRoutes } from './testing/deliveries.contract';
import { describeLife } from './testing/life.contract';
import { describeRecipientRoutes } from './testing/recipients.contract';
import { notificationRoutes, SECRET } from './testing/routes';

// The routes of notifications, deliveries and recipients, on a real database.

const settings = readSettings(authSettings, { JWT_SECRET: SECRET });
const observability = ObservabilityModule.forRoot({
  app: 'test',
  version: '1',
  settings: readSettings(observabilitySettings({ ADMIN_PORT: 0 }), { LOG_LEVEL: 'fatal' }),
});

let fresh: FreshDatabase;
let gateway: Database;
let processor: Database;
let notifier: Database;
let queue: PlayedQueue;
let access: MemoryAccessChanges;
let app: NestExpressApplication;
let base: string;
let rings = 0;
let tenant: TenantId;

beforeAll(async () => {
  fresh = await freshDatabase();
  const connection = { url: fresh.url };
  gateway = fresh.open('tocsin_gateway');
  processor = fresh.open('tocsin_processor');
  notifier = fresh.open('tocsin_notifier');
  queue = playedQueue(() => connection);
  access = new MemoryAccessChanges();
  const doorbell = { ring: async () => void (rings += 1) };
  const adapters = {
    module: class Adapters {},
    providers: [
      { provide: AccessChanges, useValue: access },
      { provide: TenantDirectory, useValue: new ClaimTenantDirectory('tenants') },
      { provide: TicketStore, useValue: { redeem: async () => true } },
      { provide: Notifications, useValue: new PostgresNotifications(gateway) },
      { provide: Deliveries, useValue: new PostgresDeliveries(gateway) },
      { provide: RecipientBook, useValue: new PostgresRecipientBook(gateway) },
      { provide: AlertQueries, useValue: new PostgresAlertQueries(gateway) },
    ],
    exports: [AccessChanges, TenantDirectory, TicketStore, Notifications, Deliveries, RecipientBook, AlertQueries],
  };
  @Module({
    imports: [adapters, observability, AuthModule.forRoot({ settings, adapters, observability })],
    controllers: [NotificationsController, DeliveriesController, AlertDeliveriesController, RecipientsController],
    providers: [
      provideRequestCheck(),
      {
        provide: KeepNotifications,
        useFactory: (notifications: Notifications, deliveries: Deliveries, tenants: VisibleTenants) =>
          new KeepNotifications(notifications, deliveries, tenants, doorbell),
        inject: [Notifications, Deliveries, VisibleTenants],
      },
      {
        provide: KeepDeliveries,
        useFactory: (deliveries: Deliveries, alerts: AlertQueries, tenants: VisibleTenants) =>
          new KeepDeliveries(deliveries, alerts, tenants, doorbell),
        inject: [Deliveries, AlertQueries, VisibleTenants],
      },
      provideVisibleTenants('tenants'),
      { ...bind(ProblemFilter, ProblemFilter, Metrics, Log), provide: APP_FILTER },
    ],
  })
  class Door {}
  app = await NestFactory.create<NestExpressApplication>(Door, {
    logger: false,
    bodyParser: false,
    forceCloseConnections: true,
  });
  prepareHttp(app, { CORS_ORIGINS: [], BODIES_BYTES: 33_554_432 });
  await app.listen(0, '127.0.0.1');
  base = `http://127.0.0.1:${(app.getHttpServer().address() as AddressInfo).port}/api/v1`;
}, 60_000);
afterAll(async () => {
  await app?.close();
  await Promise.all([gateway?.close(), processor?.close(), notifier?.close()]);
  await fresh?.drop();
});
beforeEach(() => {
  tenant = aTenant();
  rings = 0;
});

const routes = notificationRoutes(
  () => ({
    base,
    notifier: new PostgresNotifications(notifier),
    queue,
    log: new PostgresEventLog(processor),
    rings: () => rings,
  }),
  () => tenant,
);

describeAskedFor(routes);
describeLife(routes);
describeDeliveryRoutes(routes);
describeRecipientRoutes(routes);
