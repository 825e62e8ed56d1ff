import {
  busSettings,
  duration,
  engineProblems,
  onOff,
  queueSettings,
  readSettings,
  setting,
  shareOfMemory,
} from '@tocsin/settings';
import { authSettings, checkAuthSettings } from '@tocsin/auth';
import { observabilitySettings } from '@tocsin/observability';
import { checkPhoneSettings, twilioCallbackSettings, vapidPublicSetting } from '@tocsin/phones';
import { natsQueueSettings, natsSettings } from '@tocsin/nats';
import { postgresSettings, replicaSettings, webhookKeySettings } from '@tocsin/postgres';
import { rabbitSettings } from '@tocsin/rabbitmq';
import { clusterProblems, plainProblems, redisPlainSettings, redisQueueSettings, redisSettings } from '@tocsin/redis';
import { z } from 'zod';
import { originFault } from './http/cors';
import { basePath } from './http/base-path';
import { isOurs, proxyRoutes, routeOf } from './http/proxy-routes';
import { admissionSettings } from './admission-settings';

const bytes = () => z.coerce.number().int().min(1_024);

/** The gateway's own settings, independent of the technology behind its ports. */
export const gatewaySettings = {
  PORT: setting(z.coerce.number().int().min(0).max(65_535).default(8_000), {
    description: 'The public port, for streams and the REST API. 0 takes a free port.',
  }),
  BASE_PATH: setting(basePath, {
    description:
      'The path below which the gateway answers, such as /tocsin where streams are opened at /tocsin/api/events: for ' +
      'a proxy that leads a path here without rewriting it, and for an application of your own that mounts the ' +
      'gateway. PUBLIC_URL must end with it. The page is below it too. Empty: the root.',
    example: '/tocsin',
  }),
  PAGE: setting(onOff.default(true), {
    description:
      'Whether the gateway serves the page at /: on or off. A gateway that was built without the page ' +
      'never serves it.',
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
  PAGE_TOKENS: setting(onOff.default(false), {
    description:
      'Whether the sign-in page also takes a token where people sign in through OIDC_ISSUER: on or off. Without ' +
      'OIDC_ISSUER it always does.',
  }),
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
  PROXY_ROUTES: setting(proxyRoutes, {
    description:
      'Paths that lead to other services, for which the gateway is the one public address, separated by commas: ' +
      '/auth=http://auth:8000 sends /auth and everything below it on, with the path as it is. The services get the ' +
      "client's address in X-Forwarded-For and no cookie of the gateway. REQUESTS_PER_ADDRESS counts these requests " +
      'too. Empty: none.',
    example: '/auth=http://auth:8000',
  }),
  IDLE_CONNECTION_MS: setting(duration({ least: 1, most: 86_400_000 }).default(3_660_000), {
    description:
      'How long an idle connection is kept open, in milliseconds. It must be longer than the idle timeout ' +
      'of the proxy in front (upstream-keepalive-timeout, 3,600 s as shipped). Otherwise a request may ' +
      'meet a connection that was just closed, and its client gets a 502.',
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
        'The systems that may deliver CloudEvents by webhook: names separated by commas; * for any. They ask ' +
        'with the handshake of CloudEvents (OPTIONS /api/v1/events). Empty: none. Each delivery needs a ' +
        'token too.',
      example: 'eventgrid.azure.net',
    },
  ),
  HEARTBEAT_MS: setting(duration({ least: 1_000, most: 55_000 }).default(15_000), {
    description:
      'How often each stream sends a heartbeat, in milliseconds. It must be below 60,000, because proxies ' +
      'close a silent connection after that time.',
  }),
  STREAM_QUERY_TOKEN: setting(onOff.default(true), {
    description:
      'Whether ?token=<JWT> opens a stream: on (allow) or off (deny). Proxies log addresses, so in ' +
      'production use off and tickets.',
  }),
  STREAM_INITIAL_EVENTS: setting(z.coerce.number().int().min(0).max(500).default(0), {
    description:
      'How many of the newest entries of each tenant a stream begins with when the client names no position.',
  }),
  STREAM_BACKLOG_BYTES: setting(bytes().default(1_048_576), {
    description:
      'How many bytes may wait for one client. What would be more is replayed piece by piece, as the client reads. A ' +
      'client that reads too little meanwhile is closed as slow, and resumes where it was.',
  }),
  STREAM_STALL_MS: setting(duration({ least: 1 }).default(10_000), {
    description: 'How long a client may take to read a piece of a replay, in milliseconds, before it counts as slow.',
  }),
  STREAM_GZIP: setting(onOff.default(false), {
    description:
      'Whether streams are compressed for clients that accept gzip, as every browser does: on or off. One ' +
      'alert shrinks to about 60 %, and twenty at once to 25 %. They are compressed once for all streams.',
  }),
  STREAM_DOOR: setting(onOff.default(true), {
    description:
      'Whether our own reader reads plain requests for streams before node:http: on or off. With off, ' +
      'node:http and Express open every stream. The answers are the same, but a connect takes several ' +
      'times the CPU and a connection twice the memory. Use off to find out whether the reader is at fault.',
  }),
  REPLAY_MAX_EVENTS: setting(z.coerce.number().int().min(0).max(100_000).default(5_000), {
    description:
      'The most entries that a stream replays for one tenant. A client that missed more, or falls behind by more, is ' +
      'told so, and continues live.',
  }),
  FEED_RING_EVENTS: setting(z.coerce.number().int().min(16).max(65_536).default(1_024), {
    description:
      'How many entries a gateway keeps of each tenant, so that a client that was away for a short time ' +
      'costs no query.',
  }),
  RING_BYTES: setting(
    bytes()
      .optional()
      .transform((set) => set ?? shareOfMemory(1 / 8, 268_435_456)),
    {
      description:
        'How many bytes a gateway keeps of the entries of all tenants together. With more, those of the ' +
        'tenant that was silent for longest are dropped first. Unset: an eighth of the memory that the ' +
        'process may use (its cgroup, else the machine), at most 268,435,456.',
    },
  ),
  BODIES_BYTES: setting(
    bytes()
      .min(8_388_608)
      .optional()
      .transform((set) => set ?? Math.max(8_388_608, shareOfMemory(1 / 16, 67_108_864))),
    {
      description:
        'How many bytes of request bodies are held at the same time, for all requests together. With more, a ' +
        'request gets 503 with Retry-After. At least 8,388,608, the size of the largest body. Unset: a ' +
        'sixteenth of the memory that the process may use, at most 67,108,864.',
    },
  ),
  DRAIN_MS: setting(duration({ most: 30_000 }).default(20_000), {
    description:
      'The time over which a gateway that stops ends its streams, each at a random moment, in ' +
      'milliseconds. It must be below the grace period of the orchestrator.',
  }),
  ...admissionSettings,
  ...twilioCallbackSettings,
  ...vapidPublicSetting,
  MAX_EVENT_BYTES: setting(bytes().max(65_536).default(65_536), {
    description: 'The largest message over HTTP, in bytes. Over AMQP it is always 65,536.',
  }),
} as const;

export const settings = {
  ...gatewaySettings,
  ...observabilitySettings({ ADMIN_PORT: 9_090 }),
  ...authSettings,
  ...postgresSettings,
  ...webhookKeySettings,
  ...replicaSettings,
  ...queueSettings,
  ...busSettings,
  ...redisSettings,
  ...redisPlainSettings,
  ...redisQueueSettings,
  ...natsSettings,
  ...natsQueueSettings,
  ...rabbitSettings,
};

type Settings = Readonly<z.infer<z.ZodObject<typeof gatewaySettings>>> & {
  readonly JWT_TENANTS_CLAIM?: string;
  readonly JWT_ISSUER?: string;
  readonly PUBLIC_URL?: string | undefined;
  readonly OIDC_ISSUER?: string;
};

/** The gateway's configuration: type and injection token in one name. */
/* eslint-disable @typescript-eslint/no-unsafe-declaration-merging, @typescript-eslint/no-empty-object-type --
   the interface gives the token its fields */
export abstract class GatewayConfig {}
export interface GatewayConfig extends Settings {}
/* eslint-enable */

export const loadConfig = (environment: NodeJS.ProcessEnv) =>
  readSettings(settings, environment, (config) => [
    ...plainProblems(config),
    ...clusterProblems(config),
    ...engineProblems(config),
    ...checkAuthSettings(config),
    ...checkPhoneSettings(config),
    ...contradictions(config),
  ]);

/** Reports settings that are valid each by itself but contradict each other. */
export function contradictions({
  STREAM_BACKLOG_BYTES,
  MAX_EVENT_BYTES,
  BASE_PATH = '',
  PROXY_ROUTES = [],
  PUBLIC_URL,
}: Pick<Settings, 'STREAM_BACKLOG_BYTES' | 'MAX_EVENT_BYTES'> &
  Partial<Pick<Settings, 'BASE_PATH' | 'PROXY_ROUTES' | 'PUBLIC_URL'>>): string[] {
  // An entry larger than the backlog would close every stream that it is written to. Escaped text may be three times as
  // long.
  const problems =
    STREAM_BACKLOG_BYTES < 4 * MAX_EVENT_BYTES
      ? ['STREAM_BACKLOG_BYTES must be at least four times MAX_EVENT_BYTES.']
      : [];
  if (PUBLIC_URL !== undefined && !PUBLIC_URL.endsWith(BASE_PATH))
    problems.push('PUBLIC_URL must end with BASE_PATH: links in messages lead to addresses below it.');
  if (BASE_PATH && routeOf(PROXY_ROUTES, BASE_PATH)) problems.push('PROXY_ROUTES leads BASE_PATH to another service.');
  const below = PROXY_ROUTES.filter(({ prefix }) => prefix.startsWith(`${BASE_PATH}/`));
  const taken = below.find(({ prefix }) => isOurs(prefix.slice(BASE_PATH.length)));
  if (taken) problems.push(`PROXY_ROUTES leads ${taken.prefix}, which the gateway itself answers, to another service.`);
  return problems;
}
