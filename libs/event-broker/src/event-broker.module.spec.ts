import { Controller, Injectable, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { EventBroker } from './event-broker';
import type { BrokerEvent } from './event';
import { EventBrokerModule } from './event-broker.module';
import { OnEvent } from './on-event';

const heard: string[] = [];

abstract class Welcome {
  @OnEvent('public.users.create')
  welcome({ type }: BrokerEvent): void {
    heard.push(`${this.greeting()} ${type}`);
  }

  protected abstract greeting(): string;
}

@Injectable()
class Mails extends Welcome {
  protected greeting(): string {
    return 'welcome';
  }

  get broken(): never {
    throw new Error('a getter is not called');
  }

  @OnEvent('*.*.delete', { group: 'mails' })
  @OnEvent('public.users.update')
  async changed({ type }: BrokerEvent): Promise<void> {
    await new Promise((resolve) => setImmediate(resolve));
    heard.push(`changed ${type}`);
  }
}

@Controller()
class Users {
  @OnEvent('public.users.*')
  audit({ type }: BrokerEvent): void {
    heard.push(`audit ${type}`);
  }
}

it.each([
  ['forRoot', () => EventBrokerModule.forRoot({ mode: 'async', instanceId: 'nest' })],
  ['forRootAsync', () => EventBrokerModule.forRootAsync({ useFactory: async () => ({ instanceId: 'nest' }) })],
  [
    'forRootAsync with a broker',
    () => EventBrokerModule.forRootAsync({ useFactory: () => new EventBroker({ instanceId: 'nest' }) }),
  ],
])('%s: methods with @OnEvent are called once, and closing the application flushes', async (_, broker) => {
  heard.length = 0;
  const aliases = [
    { provide: 'alias', useExisting: Mails },
    { provide: 'factory', useFactory: (mails: Mails) => mails, inject: [Mails] },
  ];
  @Module({ imports: [broker()], providers: [Mails, ...aliases], controllers: [Users] })
  class AppModule {}
  const app = await NestFactory.createApplicationContext(AppModule, { logger: false });
  const events = app.get(EventBroker);
  expect(events.instanceId).toBe('nest');
  for (const type of ['public.users.create', 'public.users.update', 'auth.sessions.delete', 'auth.sessions.create'])
    await events.publish({ type });
  await app.close();
  expect(heard.sort()).toEqual([
    'audit public.users.create',
    'audit public.users.update',
    'changed auth.sessions.delete',
    'changed public.users.update',
    'welcome public.users.create',
  ]);
});
