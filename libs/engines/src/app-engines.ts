import type { DynamicModule } from '@nestjs/common';
import { NatsBusModule, NatsConnectionModule, type natsSettings } from '@tocsin/nats';
import {
  listeningConnectionOf,
  PostgresBusModule,
  PostgresSessionModule,
  type postgresSettings,
  type Role,
} from '@tocsin/postgres';
import { RedisModule, type redisSettings } from '@tocsin/redis';
import type { busSettings } from '@tocsin/settings';
import type { z } from 'zod';

export type SettingsOf<S extends z.ZodRawShape> = Readonly<z.infer<z.ZodObject<S>>>;

export type BusConfig = SettingsOf<
  typeof postgresSettings & typeof busSettings & typeof redisSettings & typeof natsSettings
>;

/** The app that asks for engines. */
interface AskingApp {
  role: Role;
  applicationName: string;
  /** The app's `PostgresModule.forRoot(…)`. */
  postgres: DynamicModule;
  /** The app's `ObservabilityModule.forRoot(…)`. */
  observability: DynamicModule;
}

interface BusOptions {
  /** Publishes each entry as plain JSON too, under this prefix, where the bus is Redis. */
  plainPrefix?: string | undefined;
  bridgesPlain?: boolean;
  /** Whether this app redeems tickets and counts streams and requests. */
  keepsState?: boolean;
}

/**
 * The bus of an app, and what its queue shares with it: one session that listens and one connection to NATS. They are
 * made once, because Nest tells dynamic modules apart by reference.
 */
export class AppEngines {
  readonly session: DynamicModule;
  readonly nats: DynamicModule;

  constructor(
    private readonly config: BusConfig,
    readonly app: AskingApp,
  ) {
    this.session = PostgresSessionModule.forRoot({ connection: listeningConnectionOf(config), ...app });
    this.nats = NatsConnectionModule.forRoot({ url: config.NATS_URL!, credentials: config.NATS_CREDENTIALS });
  }

  /** The bus that BUS names. */
  bus({ keepsState = false, ...plain }: BusOptions = {}): DynamicModule {
    const { config, session } = this;
    const { postgres, observability } = this.app;
    const hintKey = config.REDIS_HINT_KEY;
    const buses: Record<BusConfig['BUS'], () => DynamicModule> = {
      redis: () =>
        RedisModule.forRoot({
          url: config.REDIS_URL!,
          prefix: config.REDIS_PREFIX,
          hintKey,
          ...plain,
          keys: postgres,
          observability,
        }),
      nats: () =>
        NatsBusModule.forRoot({
          connection: this.nats,
          prefix: config.NATS_PREFIX,
          replicas: config.NATS_REPLICAS,
          hintKey,
          keys: postgres,
          keepsState,
          observability,
        }),
      postgres: () => PostgresBusModule.forRoot({ postgres, session, hintKey, observability }),
    };
    return buses[config.BUS]();
  }
}
