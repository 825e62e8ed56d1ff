import { hasReadableUser, MAKE_A_SECRET, setting, UNREADABLE_USER } from '@tocsin/settings';
import { z } from 'zod';
import { namesCluster, redisAddresses } from './cluster/addresses';

const isAddress = (url: string): boolean =>
  URL.canParse(url) && /^rediss?:$/.test(new URL(url).protocol) && !new URL(url).host.includes(',');

const REDIS_ADDRESSES = z
  .string()
  .refine(
    (list) => redisAddresses(list).every(isAddress),
    'it must be a redis:// or rediss:// address, or several that are separated by commas',
  )
  .refine((list) => redisAddresses(list).every(hasReadableUser), UNREADABLE_USER);

/** What Tocsin does with plain JSON beside its own signed hints. */
const PLAIN_USES = ['off', 'publish', 'bridge', 'both'] as const;

/** The settings of plain messages, and those that they depend on. */
export interface ChosenPlain {
  BUS?: string;
  REDIS_URL?: string;
  REDIS_PREFIX: string;
  REDIS_PLAIN: (typeof PLAIN_USES)[number];
  REDIS_PLAIN_PREFIX: string;
}

type ChosenCluster = Pick<ChosenPlain, 'REDIS_URL' | 'REDIS_PREFIX'> & Partial<Pick<ChosenPlain, 'REDIS_PLAIN'>>;

const publishes = ({ REDIS_PLAIN }: ChosenPlain): boolean => REDIS_PLAIN === 'publish' || REDIS_PLAIN === 'both';

/** Whether what other programs publish becomes alerts: the processor takes it, and gateways pass over it. */
export const bridgesPlain = ({ REDIS_PLAIN }: ChosenPlain): boolean =>
  REDIS_PLAIN === 'bridge' || REDIS_PLAIN === 'both';

/** What is wrong with the settings of plain messages, in sentences for the operator. */
export function plainProblems(chosen: ChosenPlain): string[] {
  const { BUS, REDIS_URL, REDIS_PREFIX, REDIS_PLAIN, REDIS_PLAIN_PREFIX } = chosen;
  if (!publishes(chosen)) return [];
  return [
    ...(BUS !== undefined && BUS !== 'redis' ? [`REDIS_PLAIN=${REDIS_PLAIN} needs BUS=redis.`] : []),
    ...(REDIS_URL ? [] : [`REDIS_PLAIN=${REDIS_PLAIN} needs REDIS_URL.`]),
    ...(REDIS_PLAIN_PREFIX === REDIS_PREFIX
      ? ['REDIS_PLAIN_PREFIX must differ from REDIS_PREFIX: gateways would take plain messages for forged hints.']
      : []),
  ];
}

/** The same for the app that takes what other programs publish. */
export const bridgeProblems = (chosen: ChosenPlain): string[] =>
  chosen.REDIS_PLAIN === 'bridge' && !chosen.REDIS_URL ? ['REDIS_PLAIN=bridge needs REDIS_URL.'] : [];

/**
 * What is wrong with the settings of a Redis Cluster. Scripts and transactions touch several keys in one step, which a
 * cluster allows within one slot only.
 */
export function clusterProblems({ REDIS_URL, REDIS_PREFIX, REDIS_PLAIN }: ChosenCluster): string[] {
  if (!REDIS_URL || !namesCluster(REDIS_URL)) return [];
  const numbered = redisAddresses(REDIS_URL).some((url) => !/^\/?0?$/.test(new URL(url).pathname));
  const bridges = REDIS_PLAIN === 'bridge' || REDIS_PLAIN === 'both';
  return [
    ...(/^\{[^{}]+\}/.test(REDIS_PREFIX)
      ? []
      : [
          'REDIS_PREFIX must begin with a hash tag, such as {tocsin}, where REDIS_URL names several nodes: it keeps ' +
            'all keys on one of them.',
        ]),
    ...(numbered ? ['REDIS_URL must have no database number where it names several nodes: a cluster has none.'] : []),
    ...(bridges
      ? [
          `REDIS_PLAIN=${REDIS_PLAIN} needs one Redis, and REDIS_URL names several nodes: in a cluster plain ` +
            'messages have no common order, and some would be taken twice.',
        ]
      : []),
  ];
}

/** The prefix of plain messages, or undefined when none are to be sent. */
export const plainPrefixOf = (chosen: ChosenPlain): string | undefined =>
  publishes(chosen) ? chosen.REDIS_PLAIN_PREFIX : undefined;

/** The settings of an app that uses Redis. All apps of one system have the same prefix and the same key. */
export const redisSettings = {
  REDIS_URL: setting(REDIS_ADDRESSES.optional(), {
    description:
      'The address of Redis: redis:// or rediss://, if needed with user, password and database number. Of a Redis ' +
      'Cluster, the addresses of several nodes, separated by commas. Required when BUS or QUEUE is redis.',
    secret: true,
    example: 'redis://localhost:6379',
  }),
  REDIS_PREFIX: setting(z.string().max(100).default(''), {
    description:
      'A prefix of every topic and key, so that several systems can share a Redis. Empty: no prefix. In a Redis ' +
      'Cluster it begins with a hash tag, such as {tocsin}.',
  }),
  REDIS_HINT_KEY: setting(z.string().min(32, `at least 32 characters are needed (${MAKE_A_SECRET})`).optional(), {
    description:
      'The key that signs the hints from processors to gateways: at least 32 characters, the same for all ' +
      'processes. Unset: a key that the database keeps. It signs them on NATS and PostgreSQL too.',
    secret: true,
  }),
};

/** Further settings of the apps that store, act or stream. They have the same values in all processes. */
export const redisPlainSettings = {
  REDIS_PLAIN: setting(z.enum(PLAIN_USES).default('off'), {
    description:
      'What is done for programs that know nothing of Tocsin. publish: each new entry is also published as plain JSON. ' +
      'bridge: plain JSON that others publish on alerts:<tenant> becomes alerts, each message at most once. both, or off. ' +
      'Give all processes the same value.',
  }),
  REDIS_PLAIN_PREFIX: setting(z.string().max(100).default('plain:'), {
    description:
      'What stands before alerts:<tenant> in the topics of plain messages; empty: nothing. For publish it must differ ' +
      'from REDIS_PREFIX. The bridge hears the topics of both prefixes.',
    takesEmpty: true,
  }),
};

/** Further settings of the app that takes what other programs publish. */
export const redisBridgeSettings = {
  REDIS_PLAIN_SERVICE: setting(
    z
      .string()
      .regex(/^[A-Za-z0-9._-]{1,64}$/, '1 to 64 letters, digits, dots, hyphens and underscores are needed')
      .optional(),
    {
      description:
        'With REDIS_PLAIN=bridge: the service of messages that name none. Unset: such a message is a dead letter.',
      example: 'legacy',
    },
  ),
};
