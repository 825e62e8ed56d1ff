import { Module, type DynamicModule } from '@nestjs/common';
import { AuthModule, FallbackTicketStore, tenantDirectoryFrom } from '@tocsin/auth';
import { bind, TenantDirectory, TicketStore } from '@tocsin/contracts/ports';
import { EmbeddedModule } from '@tocsin/embedded';
import { ObservabilityModule, version } from '@tocsin/observability';
import {
  Database,
  InboxModule,
  PostgresModule,
  PostgresTenantDirectory,
  PostgresTicketStore,
  type DatabaseConnection,
} from '@tocsin/postgres';
import { RabbitModule } from '@tocsin/rabbitmq';
import { bridgesPlain, plainPrefixOf, PlainMessagesModule, RedisModule, RedisTicketStore } from '@tocsin/redis';
import { AlertProcessorModule, foldingOf } from '../../alert-processor/src/alert-processor.module';
import { GatewayModule } from '../../gateway/src/gateway.module';
import { NotifierModule } from '../../notifier/src/notifier.module';
import { outboxFolderOf, type StandaloneConfig } from './config';

/** Keeps tickets single-use while Redis is away. */
const redisTickets = {
  provide: TicketStore,
  useFactory: (first: RedisTicketStore, database: Database) =>
    new FallbackTicketStore(first, new PostgresTicketStore(database)),
  inject: [RedisTicketStore, Database],
};

/**
 * The servers in one process. Each port has its embedded adapter unless the address of a real service is set. All apps'
 * modules get the same `adapters` object, so that there is one pool, one queue and one bus.
 */
@Module({})
export class StandaloneModule {
  static forRoot(config: StandaloneConfig & { JWT_SECRET?: string }, connection: DatabaseConnection): DynamicModule {
    const observability = ObservabilityModule.forRoot({ app: 'standalone', version, settings: config });
    const postgres = PostgresModule.forRoot({
      connection,
      role: 'tocsin_standalone',
      folding: foldingOf(config),
      poolSize: config.DB_POOL_SIZE,
      statementTimeoutMs: config.DB_STATEMENT_TIMEOUT_MS,
      webhookKey: config.WEBHOOK_KEY,
      observability,
    });
    const queue = config.RABBITMQ_URL
      ? RabbitModule.forRoot({
          url: config.RABBITMQ_URL,
          prefix: config.RABBITMQ_PREFIX,
          prefetch: config.PROCESSOR_PREFETCH,
          observability,
        })
      : InboxModule.forRoot(postgres);
    const bus = config.REDIS_URL
      ? RedisModule.forRoot({
          url: config.REDIS_URL,
          prefix: config.REDIS_PREFIX,
          hintKey: config.REDIS_HINT_KEY,
          plainPrefix: plainPrefixOf(config),
          bridgesPlain: bridgesPlain(config),
          keys: postgres,
          observability,
        })
      : EmbeddedModule.forRoot(observability);
    const plain =
      config.REDIS_URL && bridgesPlain(config)
        ? PlainMessagesModule.forRoot({
            url: config.REDIS_URL,
            prefix: config.REDIS_PREFIX,
            plainPrefix: config.REDIS_PLAIN_PREFIX,
            observability,
          })
        : undefined;
    const directory = tenantDirectoryFrom(config);
    const adapters: DynamicModule = {
      module: class StandaloneAdapters {},
      imports: [postgres, queue, bus],
      providers: [
        ...(config.REDIS_URL ? [redisTickets] : []),
        directory
          ? { provide: TenantDirectory, useValue: directory }
          : bind(TenantDirectory, PostgresTenantDirectory, Database),
      ],
      exports: [postgres, queue, bus, ...(config.REDIS_URL ? [TicketStore] : []), TenantDirectory],
    };
    const auth = AuthModule.forRoot({ settings: config, adapters, observability });
    return {
      module: StandaloneModule,
      imports: [
        observability,
        adapters,
        GatewayModule.forRoot(config, [observability, adapters, auth]),
        AlertProcessorModule.forRoot(
          config,
          [observability, adapters, ...(plain ? [plain] : [])],
          plain && { service: config.REDIS_PLAIN_SERVICE },
        ),
        NotifierModule.forRoot(
          {
            ...config,
            // the links of a trial lead to this process
            PUBLIC_URL:
              config.PUBLIC_URL ??
              (config.PORT === 0 ? undefined : `http://localhost:${config.PORT}${config.BASE_PATH}`),
            outboxFolder: outboxFolderOf(config),
          },
          [observability, adapters],
        ),
      ],
    };
  }
}
