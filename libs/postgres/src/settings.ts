import { z } from 'zod';
import { duration, LONGEST_TIMER_MS, MAKE_A_SECRET, onOff, setting } from '@tocsin/settings';

/** The settings of PostgreSQL. `databaseUrlOf` and `migrationUrlOf` make addresses from them. */
export const postgresSettings = {
  DATABASE_URL: setting(
    z
      .url({ protocol: /^postgres(ql)?$/, error: 'expected a postgresql:// address with one host' })
      // the driver would look the whole list up as the name of one host
      .refine(
        (url) => !url.includes(',') || !URL.canParse(url) || !new URL(url).host.includes(','),
        'expected one host',
      )
      .optional(),
    {
      description:
        'The address of PostgreSQL (15 or later); of several servers, the one address that leads to the primary. Each app switches to its own role there, whichever user ' +
        'the address names.',
      secret: true,
      example: 'postgresql://tocsin:secret@localhost:5432/tocsin',
    },
  ),
  DB_HOST: setting(z.string().default('localhost'), {
    description:
      'Host of PostgreSQL; with the other DB_ settings it makes DATABASE_URL when that is unset. The standalone has an embedded database unless one of the two is set.',
  }),
  DB_PORT: setting(z.coerce.number().int().min(1).max(65_535).default(5432), {
    description: 'The port of PostgreSQL, used with DB_HOST.',
  }),
  DB_NAME: setting(z.string().default('tocsin'), { description: 'The name of the database, used with DB_HOST.' }),
  DB_USER: setting(z.string().default('tocsin'), { description: 'The user of the database, used with DB_HOST.' }),
  DB_PASS: setting(z.string().optional(), {
    description: 'The password of the user, used with DB_HOST.',
    secret: true,
  }),
  DB_PARAMS: setting(z.string().optional(), {
    description: 'The parameters of the address, used with DB_HOST.',
    example: 'sslmode=require',
  }),
  DATABASE_MIGRATION_URL: setting(
    z.url({ protocol: /^postgres(ql)?$/, error: 'expected a postgresql:// address' }).optional(),
    {
      description: 'The address for migrations, with the owner of the schema as its user. Default: DATABASE_URL.',
      secret: true,
    },
  ),
  DB_POOLER: setting(onOff.default(false), {
    description:
      'Whether the address leads to a pooler in transaction mode, such as PgBouncer: on or off. With on, ' +
      'the apps set nothing for a session. Instead the login role is a member of the role of the app and ' +
      'carries its settings (docs/pgbouncer.md), and migrations need the address of the database itself.',
  }),
  DB_POOL_SIZE: setting(z.coerce.number().int().min(1).max(1000).default(10), {
    description: 'The most connections to PostgreSQL that a process keeps.',
  }),
  // a second less than a timer can wait for: the driver waits for a second longer than PostgreSQL
  DB_STATEMENT_TIMEOUT_MS: setting(duration({ least: 1, most: LONGEST_TIMER_MS - 1_000 }).default(5_000), {
    description: 'After how many milliseconds PostgreSQL cancels a statement.',
  }),
  DB_READY_TIMEOUT: setting(duration({ least: 1 }).default(120_000), {
    description: 'How long a start waits for PostgreSQL before it gives up, in milliseconds or as 2m.',
  }),
};

/** For the apps that sign webhooks, or show the secrets that do. */
export const webhookKeySettings = {
  WEBHOOK_KEY: setting(z.string().min(32, `at least 32 characters are needed (${MAKE_A_SECRET})`).optional(), {
    description:
      'The key from which the secrets of webhooks are derived, and which encrypts their headers. Gateway ' +
      'and notifier need the same key. Unset: a key that the database keeps. A new key changes every ' +
      'secret, and the headers must be set again.',
    secret: true,
  }),
};

/** For the app that replays the log. */
export const replicaSettings = {
  DATABASE_REPLICA_URL: setting(
    z.url({ protocol: /^postgres(ql)?$/, error: 'expected a postgresql:// address' }).optional(),
    {
      description:
        'The address of a replica of the database, for long reads of the log: replays and pages of entries. What the ' +
        'replica does not have yet is read from DATABASE_URL, and so is everything while it is away. Unset: none.',
      secret: true,
    },
  ),
};

type PostgresSettings = z.infer<z.ZodObject<typeof postgresSettings>>;

interface DatabaseAddress extends Pick<
  PostgresSettings,
  'DATABASE_URL' | 'DB_PORT' | 'DB_NAME' | 'DB_USER' | 'DB_PASS' | 'DB_PARAMS'
> {
  /** The standalone, which has an embedded database, has no default for it. */
  DB_HOST?: string | undefined;
}

/** The database's address, or undefined when neither DATABASE_URL nor DB_HOST is set. */
export function databaseUrlOf(settings: DatabaseAddress): string | undefined {
  if (settings.DATABASE_URL) return settings.DATABASE_URL;
  if (!settings.DB_HOST) return undefined;
  const user =
    encodeURIComponent(settings.DB_USER) + (settings.DB_PASS ? `:${encodeURIComponent(settings.DB_PASS)}` : '');
  const host = settings.DB_HOST.includes(':') ? `[${settings.DB_HOST}]` : settings.DB_HOST;
  const parameters = settings.DB_PARAMS ? `?${settings.DB_PARAMS.replace(/^\?/, '')}` : '';
  return `postgresql://${user}@${host}:${settings.DB_PORT}/${encodeURIComponent(settings.DB_NAME)}${parameters}`;
}

/** The database as an app connects to it, or undefined when there is none. */
export function databaseConnectionOf(
  settings: Parameters<typeof databaseUrlOf>[0] & Pick<PostgresSettings, 'DB_POOLER'>,
): { url: string; pooled: boolean } | undefined {
  const url = databaseUrlOf(settings);
  return url === undefined ? undefined : { url, pooled: settings.DB_POOLER };
}

/** The database as the one connection of a process that listens reaches it: the database itself, not its pooler. */
export const listeningConnectionOf = (
  settings: Parameters<typeof databaseUrlOf>[0] & { DATABASE_LISTEN_URL?: string | undefined },
): { url: string } => ({ url: settings.DATABASE_LISTEN_URL ?? databaseUrlOf(settings)! });

/** The address for migrations, or undefined when there is no database. */
export const migrationUrlOf = (
  settings: Parameters<typeof databaseUrlOf>[0] & Pick<PostgresSettings, 'DATABASE_MIGRATION_URL'>,
): string | undefined => settings.DATABASE_MIGRATION_URL ?? databaseUrlOf(settings);

/**
 * Problems of the address for migrations; empty when there are none. Migrations hold a session of their own, which a
 * pooler does not lend.
 */
export const migrationProblems = (
  settings: Parameters<typeof migrationUrlOf>[0] & Pick<PostgresSettings, 'DB_POOLER'>,
): string[] => [
  ...(settings.DB_POOLER && !settings.DATABASE_MIGRATION_URL
    ? ['DATABASE_MIGRATION_URL is required with DB_POOLER: it names the database itself, not the pooler.']
    : []),
];
