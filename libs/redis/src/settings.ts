import { MAKE_A_SECRET, setting } from '@tocsin/settings';
import { z } from 'zod';

const REDIS_ADDRESS = z
  .string()
  .refine(
    (url) => URL.canParse(url) && /^rediss?:$/.test(new URL(url).protocol),
    'it must be a redis:// or rediss:// address',
  );

/** The settings that decide whether plain JSON is published beside the signed hints. */
export interface ChosenPlain {
  BUS?: string;
  REDIS_URL?: string;
  REDIS_PREFIX: string;
  REDIS_PLAIN: 'off' | 'publish';
  REDIS_PLAIN_PREFIX: string;
}

/** What is wrong with the settings of plain messages, in sentences for the operator. */
export function plainProblems({
  BUS,
  REDIS_URL,
  REDIS_PREFIX,
  REDIS_PLAIN,
  REDIS_PLAIN_PREFIX,
}: ChosenPlain): string[] {
  if (REDIS_PLAIN === 'off') return [];
  return [
    ...(BUS === 'postgres' ? ['REDIS_PLAIN=publish needs BUS=redis.'] : []),
    ...(REDIS_URL ? [] : ['REDIS_PLAIN=publish needs REDIS_URL.']),
    ...(REDIS_PLAIN_PREFIX === REDIS_PREFIX
      ? ['REDIS_PLAIN_PREFIX must differ from REDIS_PREFIX: gateways would take plain messages for forged hints.']
      : []),
  ];
}

/** The prefix of plain messages, or undefined when none are to be sent. */
export const plainPrefixOf = ({ REDIS_PLAIN, REDIS_PLAIN_PREFIX }: ChosenPlain): string | undefined =>
  REDIS_PLAIN === 'publish' ? REDIS_PLAIN_PREFIX : undefined;

/** The settings of an app that uses Redis. All apps of one system have the same prefix and the same key. */
export const redisSettings = {
  REDIS_URL: setting(REDIS_ADDRESS.optional(), {
    description:
      'The address of Redis: redis:// or rediss://, if needed with user, password and database number. Required unless ' +
      'BUS is postgres and QUEUE is not redis.',
    secret: true,
    example: 'redis://localhost:6379',
  }),
  REDIS_PREFIX: setting(z.string().max(100).default(''), {
    description: 'A prefix of every topic and key, so that several systems can share a Redis. Empty: no prefix.',
  }),
  REDIS_PLAIN: setting(z.enum(['off', 'publish']).default('off'), {
    description:
      'Whether each new entry is also published as plain JSON, for subscribers that know nothing of Tocsin: publish or ' +
      'off. Give all processes the same value.',
  }),
  REDIS_PLAIN_PREFIX: setting(z.string().max(100).default('plain:'), {
    description:
      'What stands before alerts:<tenant> in the topics of those plain messages. It must differ from REDIS_PREFIX.',
  }),
  REDIS_HINT_KEY: setting(z.string().min(32, `at least 32 characters are needed (${MAKE_A_SECRET})`).optional(), {
    description:
      'The key that signs the hints from processors to gateways: at least 32 characters, the same for all ' +
      'processes. Unset: a key that the database keeps. It signs them on PostgreSQL too.',
    secret: true,
  }),
};
