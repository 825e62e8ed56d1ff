import { duration, onOff, readSettings, setting, shareOfMemory } from '@tocsin/settings';
import { authSettings, checkAuthSettings } from '@tocsin/auth';
import { observabilitySettings } from '@tocsin/observability';
import { checkPhoneSettings, twilioCallbackSettings, vapidPublicSetting } from '@tocsin/phones';
import { postgresSettings, webhookKeySettings } from '@tocsin/postgres';
import { rabbitSettings } from '@tocsin/rabbitmq';
import { redisSettings } from '@tocsin/redis';
import { z } from 'zod';
import { originFault } from './http/cors';
import { admissionSettings } from './admission-settings';

const bytes = () => z.coerce.number().int().min(1_024);

/** The gateway's own settings, independent of the technology behind its ports. */
export const gatewaySettings = {
  PORT: setting(z.coerce.number().int().min(0).max(65_535).default(8_000), {
    description: 'The public port: streams and the REST API. 0 takes a free one.',
  }),
  PAGE: setting(onOff.default(true), {
    description:
      'Whether the gateway serves the page at /: on or off. A gateway that was built without it serves none.',
  }),
  PAGE_TOKEN_URL: setting(
    z
      .string()
      .regex(/^(\/(?!\/)[\w.~/?=&%-]*)?$/, 'must be a path of its own origin, such as /oauth/token')
      .default(''),
    {
      description:
        'A path of the same origin at which the page gets a token for the signed-in user, with the cookies of the page: ' +
        'at its start, and again before each token expires. The path answers with the token, or with JSON that has it as ' +
        'access_token or token. 401 or a redirect means that no user is signed in. Empty: users bring their own token.',
      example: '/oauth/token',
    },
  ),
  CORS_ORIGINS: setting(
    z
      .string()
      .default('')
      .transform((list) =>
        list
          .split(',')
          .map((origin) => origin.trim())
          .filter(Boolean),
      )
      .superRefine((origins, context) => {
        origins.forEach((origin, index) => {
          const fault = originFault(origin);
          if (fault) context.addIssue({ code: 'custom', message: `origin ${index + 1}: ${fault}` });
        });
      }),
    {
      description:
        'Origins of pages that may call from another address, each written as a browser does and separated by ' +
        'commas; * for any, without credentials. Wildcards within an origin and "null" are refused. Empty: none.',
      example: 'http://localhost:3000,https://app.example.com',
    },
  ),
  IDLE_CONNECTION_MS: setting(duration({ least: 1, most: 86_400_000 }).default(3_660_000), {
    description:
      'How long a connection on which nothing is asked is kept, in milliseconds. Longer than the proxy in front ' +
      'keeps its own (upstream-keepalive-timeout, 3,600 s as shipped): the other way round a request may meet a ' +
      'connection that has just been closed, which is a 502.',
  }),
  WEBHOOK_ORIGINS: setting(
    z
      .string()
      .default('')
      .transform((list) =>
        list
          .split(',')
          .map((origin) => origin.trim())
          .filter(Boolean),
      )
      .refine(
        (origins) => origins.every((origin) => /^(\*|[A-Za-z0-9._:-]{1,253})$/.test(origin)),
        'names such as eventgrid.azure.net are expected, or *',
      ),
    {
      description:
        "Systems that are told, when they ask by the handshake of CloudEvents' webhooks (OPTIONS /api/v1/events), that they may deliver here: names separated by commas; * for any. Empty: none. Each delivery needs a token all the same.",
      example: 'eventgrid.azure.net',
    },
  ),
  HEARTBEAT_MS: setting(duration({ least: 1_000, most: 55_000 }).default(15_000), {
    description:
      'How often a stream says that it is alive, in milliseconds. Below 60,000, where proxies give up on a silent ' +
      'connection.',
  }),
  STREAM_QUERY_TOKEN: setting(onOff.default(true), {
    description:
      'Whether ?token=<JWT> opens a stream: on (allow) or off (deny). Addresses end up in logs, so production ' +
      'denies it and uses tickets.',
  }),
  STREAM_INITIAL_EVENTS: setting(z.coerce.number().int().min(0).max(500).default(0), {
    description:
      'How many of the newest entries of each tenant a stream begins with when the client names no place to start.',
  }),
  STREAM_BACKLOG_BYTES: setting(bytes().default(1_048_576), {
    description:
      'Bytes that may wait for one client. Beyond it the stream is closed as slow, and the client resumes where ' +
      'it was.',
  }),
  STREAM_STALL_MS: setting(duration({ least: 1 }).default(10_000), {
    description:
      'How long a client may read nothing while its history is replayed, in milliseconds, before it counts as slow.',
  }),
  STREAM_GZIP: setting(onOff.default(false), {
    description:
      'Whether streams are compressed for clients that accept gzip: on or off. One alert shrinks to about 60 %, ' +
      'twenty at once to 25 %, deflated once for all streams. Every browser accepts it, so on means nearly all.',
  }),
  STREAM_DOOR: setting(onOff.default(true), {
    description:
      'Whether plain requests for streams are read before node:http: on or off. Off, node:http and Express open ' +
      'every stream, which answers the same at several times the CPU a connect and twice the memory a connection: ' +
      'for finding out whether the reader is at fault.',
  }),
  REPLAY_MAX_EVENTS: setting(z.coerce.number().int().min(0).max(100_000).default(5_000), {
    description:
      'Entries that a stream replays for one tenant. A client that missed more is told so, and goes on live.',
  }),
  FEED_RING_EVENTS: setting(z.coerce.number().int().min(16).max(65_536).default(1_024), {
    description: 'Entries that a gateway keeps of each tenant, so that short absences cost no query.',
  }),
  RING_BYTES: setting(
    bytes()
      .optional()
      .transform((set) => set ?? shareOfMemory(1 / 8, 268_435_456)),
    {
      description:
        'Bytes of data that it keeps of all tenants together for that; beyond it the tenant that was silent for ' +
        'longest goes first. Unset: an eighth of the memory that the process may use (its cgroup, else the ' +
        'machine), at most 268,435,456.',
    },
  ),
  BODIES_BYTES: setting(
    bytes()
      .min(8_388_608)
      .optional()
      .transform((set) => set ?? Math.max(8_388_608, shareOfMemory(1 / 16, 67_108_864))),
    {
      description:
        'Bytes of request bodies that are held at once, all requests together; beyond it a request is answered ' +
        '503 with Retry-After. At least 8,388,608, the largest body. Unset: a sixteenth of the memory that the ' +
        'process may use, at most 67,108,864.',
    },
  ),
  DRAIN_MS: setting(duration({ most: 30_000 }).default(20_000), {
    description:
      'Over how many milliseconds a gateway that stops lets go of its streams, each at a random moment. Below the ' +
      'grace period of the orchestrator.',
  }),
  ...admissionSettings,
  ...twilioCallbackSettings,
  ...vapidPublicSetting,
  MAX_EVENT_BYTES: setting(bytes().max(65_536).default(65_536), {
    description: 'The most that one message over HTTP may be, in bytes. Over AMQP it is always 65,536.',
  }),
} as const;

export const settings = {
  ...gatewaySettings,
  ...observabilitySettings({ ADMIN_PORT: 9_090 }),
  ...authSettings,
  ...postgresSettings,
  ...webhookKeySettings,
  ...redisSettings,
  ...rabbitSettings,
};

type Settings = Readonly<z.infer<z.ZodObject<typeof gatewaySettings>>> & {
  readonly JWT_TENANTS_CLAIM?: string;
  readonly JWT_ISSUER?: string;
};

/** The gateway's configuration: type and injection token in one name. */
/* eslint-disable @typescript-eslint/no-unsafe-declaration-merging, @typescript-eslint/no-empty-object-type -- the interface gives the token its fields */
export abstract class GatewayConfig {}
export interface GatewayConfig extends Settings {}
/* eslint-enable */

export const loadConfig = (environment: NodeJS.ProcessEnv) =>
  readSettings(settings, environment, (config) => [
    ...checkAuthSettings(config),
    ...checkPhoneSettings(config),
    ...contradictions(config),
  ]);

/** Reports settings that are valid each by itself but contradict each other. */
export function contradictions({
  STREAM_BACKLOG_BYTES,
  MAX_EVENT_BYTES,
}: Pick<Settings, 'STREAM_BACKLOG_BYTES' | 'MAX_EVENT_BYTES'>): string[] {
  // An entry larger than the backlog would close every stream that it is written to. Escaped text may be three times as
  // long.
  return STREAM_BACKLOG_BYTES < 4 * MAX_EVENT_BYTES
    ? ['STREAM_BACKLOG_BYTES must be at least four times MAX_EVENT_BYTES.']
    : [];
}
