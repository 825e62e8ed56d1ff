import { authSettings } from '@tocsin/auth';
import { aboutSetting, readSettings, setting } from '@tocsin/settings';
import { migrationProblems, postgresSettings } from '@tocsin/postgres';
import { rabbitSettings } from '@tocsin/rabbitmq';
import { z } from 'zod';

const {
  DATABASE_MIGRATION_URL,
  DATABASE_URL,
  DB_HOST,
  DB_PORT,
  DB_NAME,
  DB_USER,
  DB_PASS,
  DB_PARAMS,
  DB_POOLER,
  DB_READY_TIMEOUT,
} = postgresSettings;
const { JWT_SECRET, JWT_JWKS_URL, JWT_ISSUER, JWT_AUDIENCE, JWT_TENANTS_CLAIM } = authSettings;
const { RABBITMQ_URL, RABBITMQ_PREFIX } = rabbitSettings;

const httpUrl = z.string().refine(isHttpUrl, 'an http or https address is needed');
export function isHttpUrl(text: string): boolean {
  return URL.canParse(text) && /^https?:$/.test(new URL(text).protocol);
}

/** The settings of `migrate`. */
export const migrateSettings = {
  DATABASE_MIGRATION_URL,
  DATABASE_URL,
  DB_HOST,
  DB_PORT,
  DB_NAME,
  DB_USER,
  DB_PASS,
  DB_PARAMS,
  DB_POOLER,
  DB_READY_TIMEOUT,
};

/** The settings of `token`, and of every command that signs its own token. */
export const tokenSettings = {
  JWT_SECRET,
  DATA_DIR: setting(z.string().default('.tocsin'), {
    description:
      'The folder in which the standalone keeps its embedded database and its secret. Delete it to start ' +
      'again with no data.',
  }),
  JWT_ISSUER,
  JWT_AUDIENCE,
  JWT_TENANTS_CLAIM,
  JWT_JWKS_URL,
};

/** The settings of commands that call the gateway: `dead-letters`. */
export const gatewaySettings = {
  TOCSIN_URL: setting(httpUrl.optional(), {
    description: 'The address of the gateway, for the command line. Default: http://localhost and PORT.',
    example: 'https://alerts.example.com',
  }),
  PORT: setting(z.coerce.number().int().min(0).max(65_535).default(8_000), {
    description: 'The public port, for streams and the REST API. 0 takes a free port.',
  }),
  TOCSIN_TOKEN: setting(
    z
      .string()
      .regex(/^[\x21-\x7e]+$/, 'printable ASCII without spaces is needed')
      .optional(),
    {
      description:
        'The token that the command line sends to the gateway (scope events:publish, or ' +
        'dead_letters:manage). Unset: the command line signs one that lasts five minutes.',
      secret: true,
    },
  ),
  ...tokenSettings,
};

/** The settings of `publish` and `demo`. */
export const publishSettings = {
  ...gatewaySettings,
  RABBITMQ_URL: setting(RABBITMQ_URL.optional(), aboutSetting(RABBITMQ_URL)),
  RABBITMQ_PREFIX,
};

/** All settings, for `.env.example`. */
export const settings = { ...migrateSettings, ...publishSettings };

type Environment = Readonly<Record<string, string | undefined>>;

export type TokenConfig = ReturnType<typeof loadTokenConfig>;
export type GatewayConfig = ReturnType<typeof loadGatewayConfig>;
export type PublishConfig = ReturnType<typeof loadPublishConfig>;

export const loadTokenConfig = (environment: Environment) => readSettings(tokenSettings, environment);

export const loadGatewayConfig = (environment: Environment) => readSettings(gatewaySettings, environment);

export const loadPublishConfig = (environment: Environment) => readSettings(publishSettings, environment);

export const loadMigrateConfig = (environment: Environment) =>
  readSettings(migrateSettings, environment, migrationProblems);

const DEFAULT_PORT = 8_000;

/** The gateway's address, unless an option gives another. */
export const gatewayUrl = ({ TOCSIN_URL, PORT }: Pick<GatewayConfig, 'TOCSIN_URL' | 'PORT'>): string =>
  TOCSIN_URL ?? `http://localhost:${PORT || DEFAULT_PORT}`;
