import { setting } from '@tocsin/settings';
import { z } from 'zod';
import { traceSettings, type TraceSettings } from './trace/settings';

const LOG_LEVELS = ['fatal', 'error', 'warn', 'info', 'debug'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

const adminPath = z
  .string()
  .regex(/^(\/[\w.~-]+)+$/, 'a path such as /healthz is expected')
  .refine((path) => path !== '/metrics', 'metrics are there');

/** The settings of every app. Each app has its own default port for the probes, so that several run on one machine. */
export const observabilitySettings = (defaults: { ADMIN_PORT: number }) => ({
  ADMIN_PORT: setting(z.coerce.number().int().min(0).max(65_535).default(defaults.ADMIN_PORT), {
    description: 'The port of the probes and of /metrics. It must not be public. 0 takes a free port.',
  }),
  LIVENESS_PATH: setting(adminPath.default('/livez'), {
    description: 'The path on ADMIN_PORT that answers 200 while the process answers at all, whatever it depends on.',
  }),
  READINESS_PATH: setting(adminPath.default('/readyz'), {
    description: 'The path on ADMIN_PORT that answers 200 while the process takes work, else 503 with the reason.',
  }),
  HEALTH_PATH: setting(adminPath.default('/health'), {
    description:
      'The path on ADMIN_PORT that reports each dependency. The command doctor expects the default; so do the ' +
      'manifests, with LIVENESS_PATH and READINESS_PATH.',
  }),
  LOG_LEVEL: setting(z.enum(LOG_LEVELS).default('info'), {
    description: `The lowest level that is logged: ${LOG_LEVELS.join(', ')}.`,
  }),
  METRICS_TENANT_LIMIT: setting(z.coerce.number().int().min(0).max(10_000).default(200), {
    description:
      'How many tenants get their own label in the metrics. The others are counted as "other". 0 turns the ' +
      'label off.',
  }),
  BUILD_COMMIT: setting(z.string().max(64).default('unknown'), {
    description:
      'The commit that the image was built from, for tocsin_build_info. The build argument of this name sets it in the ' +
      'image.',
  }),
  ...traceSettings,
});

export interface ObservabilitySettings extends TraceSettings {
  ADMIN_PORT: number;
  LIVENESS_PATH: string;
  READINESS_PATH: string;
  HEALTH_PATH: string;
  LOG_LEVEL: LogLevel;
  METRICS_TENANT_LIMIT: number;
  BUILD_COMMIT: string;
}
