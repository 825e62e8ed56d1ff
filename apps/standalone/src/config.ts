import { join } from 'node:path';
import { aboutSetting, onOff, readSettings, setting } from '@tocsin/settings';
import { authSettings, checkAuthSettings } from '@tocsin/auth';
import { observabilitySettings } from '@tocsin/observability';
import { databaseUrlOf, migrationProblems, postgresSettings, webhookKeySettings } from '@tocsin/postgres';
import { rabbitSettings, rabbitSourceSettings } from '@tocsin/rabbitmq';
import {
  bridgeProblems,
  clusterProblems,
  plainProblems,
  redisBridgeSettings,
  redisPlainSettings,
  redisSettings,
} from '@tocsin/redis';
import { z } from 'zod';
import { processorSettings } from '../../alert-processor/src/alert-processor.module';
import { contradictions, gatewaySettings } from '../../gateway/src/config';
import { notifierContradictions, notifierSettings } from '../../notifier/src/notifier.module';

const { DB_HOST, ...restOfPostgres } = postgresSettings;
const { DRAIN_MS, ...restOfGateway } = gatewaySettings;
const { NOTIFIER_DRAIN_MS, ...restOfNotifier } = notifierSettings;
const { LOG_LEVEL, ...restOfObservability } = observabilitySettings({ ADMIN_PORT: 9_090 });

export const settings = {
  ...restOfGateway,
  ...processorSettings,
  ...restOfNotifier,
  ...restOfObservability,
  ...authSettings,
  ...restOfPostgres,
  // with a default there would be no embedded database
  DB_HOST: setting(z.string().optional(), aboutSetting(DB_HOST)),
  ...webhookKeySettings,
  ...rabbitSettings,
  ...rabbitSourceSettings,
  ...redisSettings,
  ...redisPlainSettings,
  ...redisBridgeSettings,
  // there is no other gateway that streams could move to, and a person at a terminal waits for the end
  DRAIN_MS: setting(DRAIN_MS.default(300), aboutSetting(DRAIN_MS)),
  NOTIFIER_DRAIN_MS: setting(NOTIFIER_DRAIN_MS.default(2_000), aboutSetting(NOTIFIER_DRAIN_MS)),
  LOG_LEVEL: setting(LOG_LEVEL.default('warn'), aboutSetting(LOG_LEVEL)),
  DATA_DIR: setting(z.string().default('.tocsin'), {
    description:
      'The folder in which the standalone keeps its embedded database and its secret. Delete it to start ' +
      'again with no data.',
  }),
  ALLOW_VOLATILE_STORE: setting(onOff.default(false), {
    description:
      'Allows a real RabbitMQ with an embedded database. A power cut may damage that database, and then ' +
      'confirmed alerts are lost.',
  }),
};

/** What chooses services for the other apps and is ignored here, in a sentence for the operator. */
export function ignoredEngines(
  environment: NodeJS.ProcessEnv,
  { RABBITMQ_URL, REDIS_URL }: Pick<StandaloneConfig, 'RABBITMQ_URL' | 'REDIS_URL'>,
): string[] {
  const used = { QUEUE: RABBITMQ_URL && 'rabbitmq', BUS: REDIS_URL && 'redis', NATS_URL: undefined };
  const ignored = Object.entries(used).filter(
    ([name, value]) => environment[name]?.trim() && environment[name] !== value,
  );
  if (ignored.length === 0) return [];
  return [
    `${ignored.map(([name]) => name).join(', ')}: without effect here, where the queue is embedded or RabbitMQ ` +
      '(RABBITMQ_URL), and the bus in process or Redis (REDIS_URL)',
  ];
}

/**
 * Where what would be sent is written while no mail server is configured; undefined when one is, since then what was
 * written to a folder would count as sent.
 */
export const outboxFolderOf = ({ SMTP_URL, DATA_DIR, DELIVERIES }: StandaloneConfig): string | undefined =>
  SMTP_URL || !DELIVERIES ? undefined : join(DATA_DIR, 'outbox');

export type StandaloneConfig = ReturnType<typeof loadConfig>;

export const loadConfig = (environment: NodeJS.ProcessEnv) =>
  readSettings(settings, environment, (config) => [
    ...plainProblems(config),
    ...bridgeProblems(config),
    ...clusterProblems(config),
    // without a secret standalone makes one itself and keeps it
    ...((config.JWT_SECRET ?? config.JWT_JWKS_URL) ? checkAuthSettings(config) : []),
    ...contradictions(config),
    ...notifierContradictions(config),
    ...(databaseUrlOf(config) ? migrationProblems(config) : []),
    ...(config.RABBITMQ_URL && !databaseUrlOf(config) && !config.ALLOW_VOLATILE_STORE
      ? [
          'RABBITMQ_URL needs DATABASE_URL beside it: the embedded database is not safe enough for a real queue ' +
            '(ALLOW_VOLATILE_STORE=1 lets it be).',
        ]
      : []),
  ]);
