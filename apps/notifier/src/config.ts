import { busSettings, engineProblems, readSettings, setting } from '@tocsin/settings';
import { observabilitySettings } from '@tocsin/observability';
import { natsSettings } from '@tocsin/nats';
import { postgresSettings, webhookKeySettings } from '@tocsin/postgres';
import { clusterProblems, redisSettings } from '@tocsin/redis';
import { z } from 'zod';
import { notifierContradictions, notifierSettings } from './notifier.module';

export const settings = {
  ...notifierSettings,
  ...observabilitySettings({ ADMIN_PORT: 9_092 }),
  ...postgresSettings,
  ...webhookKeySettings,
  ...busSettings,
  ...redisSettings,
  ...natsSettings,
  NOTIFIER_NICE: setting(z.coerce.number().int().min(0).max(19).default(10), {
    description:
      'The nice value of the process: how far it gives way to others on the same cores, so that alerts are stored and ' +
      'streamed as fast as ever while many notifications are sent. 0 changes nothing.',
  }),
};

export type NotifierConfig = ReturnType<typeof loadConfig>;

export const loadConfig = (environment: NodeJS.ProcessEnv) =>
  readSettings(settings, environment, (config) => [
    ...clusterProblems(config),
    ...engineProblems(config),
    ...notifierContradictions(config),
  ]);
