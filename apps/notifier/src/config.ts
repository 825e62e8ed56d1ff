import { busSettings, engineProblems, readSettings } from '@tocsin/settings';
import { observabilitySettings } from '@tocsin/observability';
import { postgresSettings, webhookKeySettings } from '@tocsin/postgres';
import { redisSettings } from '@tocsin/redis';
import { notifierContradictions, notifierSettings } from './notifier.module';

export const settings = {
  ...notifierSettings,
  ...observabilitySettings({ ADMIN_PORT: 9_092 }),
  ...postgresSettings,
  ...webhookKeySettings,
  ...busSettings,
  ...redisSettings,
};

export type NotifierConfig = ReturnType<typeof loadConfig>;

export const loadConfig = (environment: NodeJS.ProcessEnv) =>
  readSettings(settings, environment, (config) => [...engineProblems(config), ...notifierContradictions(config)]);
