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
  REDIS_URL: setting(REDIS_ADDRESS, {
    description:
      'Address of Redis: redis:// or rediss://, with user, password and database number where there are any.',
    secret: true,
    example: 'redis://localhost:6379',
  }),
  REDIS_PREFIX: setting(z.string().max(100).default(''), {
    description: 'Stands before every topic and key, so that several systems can share a Redis. Empty: nothing.',
  }),
  REDIS_HINT_KEY: setting(z.string().min(32, `at least 32 characters are needed (${MAKE_A_SECRET})`).optional(), {
    description:
      'Signs what processors tell gateways, at least 32 characters, the same for all of them. Unset: a key that the database made and keeps.',
    secret: true,
  }),
};
