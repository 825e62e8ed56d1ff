import { busSettings, engineProblems, queueSettings, readSettings } from '@tocsin/settings';
import { observabilitySettings } from '@tocsin/observability';
import { postgresSettings } from '@tocsin/postgres';
import { natsQueueSettings, natsSettings } from '@tocsin/nats';
import { rabbitSettings, rabbitSourceSettings } from '@tocsin/rabbitmq';
import {
  bridgeProblems,
  clusterProblems,
  plainProblems,
  redisBridgeSettings,
  redisPlainSettings,
  redisQueueSettings,
  redisSettings,
} from '@tocsin/redis';
import { processorSettings } from './alert-processor.module';

export const settings = {
  ...processorSettings,
  ...observabilitySettings({ ADMIN_PORT: 9_091 }),
  ...postgresSettings,
  ...queueSettings,
  ...busSettings,
  ...redisSettings,
  ...redisQueueSettings,
  ...redisPlainSettings,
  ...redisBridgeSettings,
  ...natsSettings,
  ...natsQueueSettings,
  ...rabbitSettings,
  ...rabbitSourceSettings,
};

export type AlertProcessorConfig = ReturnType<typeof loadConfig>;

export const loadConfig = (environment: NodeJS.ProcessEnv) =>
  readSettings(settings, environment, (config) => [
    ...plainProblems(config),
    ...bridgeProblems(config),
    ...clusterProblems(config),
    ...engineProblems(config),
    // one connection for each lane; one each for urgent messages, suspects, the quarantine, dead letters and the health
    // check
    ...(config.DB_POOL_SIZE < config.PROCESSOR_LANES + 5
      ? ['DB_POOL_SIZE must be at least PROCESSOR_LANES plus 5.']
      : []),
  ]);
