import { Module, type DynamicModule, type OnApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import { NatsConnection } from './connection';

interface NatsConnectionModuleOptions {
  url: string;
  /** The content of a credentials file, where the servers ask for one. */
  credentials?: string | undefined;
}

/**
 * The one connection of the process to NATS, for its queue and its bus. It is opened by `onModuleInit`, which does not
 * wait, and closed after the modules that use it.
 */
@Module({})
export class NatsConnectionModule implements OnModuleInit, OnApplicationShutdown {
  constructor(private readonly connection: NatsConnection) {}

  static forRoot({ url, credentials }: NatsConnectionModuleOptions): DynamicModule {
    return {
      module: NatsConnectionModule,
      providers: [
        { provide: NatsConnection, useFactory: () => new NatsConnection({ url, credentials, name: 'tocsin' }) },
      ],
      exports: [NatsConnection],
    };
  }

  onModuleInit(): void {
    this.connection.open();
  }

  onApplicationShutdown(): Promise<void> {
    return this.connection.close();
  }
}
