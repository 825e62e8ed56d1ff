import { MAKE_A_SECRET, setting } from '@tocsin/settings';
import { z } from 'zod';

const REDIS_ADDRESS = z
  .string()
  .refine(
    (url) => URL.canParse(url) && /^rediss?:$/.test(new URL(url).protocol),
    'it must be a redis:// or rediss:// address',
  );

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
  REDIS_HINT_KEY: setting(z.string().min(32, `at least 32 characters are needed (${MAKE_A_SECRET})`).optional(), {
    description:
      'The key that signs the hints from processors to gateways: at least 32 characters, the same for all ' +
      'processes. Unset: a key that the database keeps. It signs them on PostgreSQL too.',
    secret: true,
  }),
};
