import 'reflect-metadata';
import { Injectable, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { EventBroker, type BrokerEvent } from '@tocsin/event-broker';
import { EventBrokerModule, OnEvent } from '@tocsin/event-broker/nest';

@Injectable()
export class Mails {
  @OnEvent('public.users.create')
  welcome({ payload }: BrokerEvent): void {
    console.log('welcome', (payload as { name: string }).name);
  }
}

@Module({ imports: [EventBrokerModule.forRoot({ instanceId: 'nest' })], providers: [Mails] })
export class AppModule {}

async function main(): Promise<void> {
  const app = await NestFactory.createApplicationContext(AppModule, { logger: ['error'] });
  await app.get(EventBroker).publish({ type: 'public.users.create', payload: { name: 'Ada' } });
  await app.close();
}
void main();
