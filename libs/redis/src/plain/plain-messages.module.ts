import { Module, type DynamicModule, type OnApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import { PlainMessages } from '@tocsin/contracts/ports';
import { Health, Log, Metrics } from '@tocsin/observability';
import { RedisPlainMessages } from './plain-messages.redis';

interface PlainMessagesModuleOptions {
  url: string;
  /** Stands before Tocsin's own topics and keys. Default none. */
  prefix?: string;
  /** A further prefix of topics on which other programs publish. They are heard under `prefix` as well. */
  plainPrefix?: string;
  /** The process's `ObservabilityModule.forRoot(…)`. */
  observability: DynamicModule;
}

/** `PlainMessages` on Redis Pub/Sub, on connections of its own. Nothing is opened before `PlainMessages.listen`. */
@Module({})
export class PlainMessagesModule implements OnModuleInit, OnApplicationShutdown {
  constructor(
    private readonly messages: RedisPlainMessages,
    private readonly health: Health,
  ) {}

  static forRoot({ url, prefix = '', plainPrefix, observability }: PlainMessagesModuleOptions): DynamicModule {
    const prefixes = [...new Set([prefix, plainPrefix ?? prefix])];
    return {
      module: PlainMessagesModule,
      imports: [observability],
      providers: [
        {
          provide: RedisPlainMessages,
          useFactory: (log: Log, metrics: Metrics) => new RedisPlainMessages({ url, prefix, prefixes }, log, metrics),
          inject: [Log, Metrics],
        },
        { provide: PlainMessages, useExisting: RedisPlainMessages },
      ],
      exports: [PlainMessages],
    };
  }

  onModuleInit(): void {
    this.health.add('redis_plain', () => this.check(), { critical: false });
  }

  async onApplicationShutdown(): Promise<void> {
    await this.messages.stop();
  }

  private check(): Promise<void> {
    return this.messages.listening ? Promise.resolve() : Promise.reject(new Error('Plain messages are not heard.'));
  }
}
