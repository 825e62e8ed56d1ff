import { hasReadableUser, setting, UNREADABLE_USER } from '@tocsin/settings';
import { z } from 'zod';

const isAddress = (url: string): boolean =>
  URL.canParse(url) && /^(nats|tls):$/.test(new URL(url).protocol) && new URL(url).hostname !== '';

const NATS_ADDRESSES = z
  .string()
  .refine(
    (list) => list.split(',').every((url) => isAddress(url.trim())),
    'nats:// or tls:// addresses are expected, separated by commas',
  )
  .refine((list) => list.split(',').every((url) => hasReadableUser(url.trim())), UNREADABLE_USER);

/** The settings of an app that uses NATS. All apps of one system have the same values. */
export const natsSettings = {
  NATS_URL: setting(NATS_ADDRESSES.optional(), {
    description:
      'The addresses of the NATS servers, separated by commas: nats:// or tls://, if needed with user and password, ' +
      'or with a token as the user. Required when QUEUE or BUS is nats.',
    secret: true,
    example: 'nats://user:password@localhost:4222',
  }),
  NATS_CREDENTIALS: setting(z.string().min(1).optional(), {
    description:
      'The content of a credentials file (a JWT and the seed of its key), for NATS servers that ask for one. With ' +
      'NATS_CREDENTIALS_FILE the file itself is read.',
    secret: true,
  }),
  NATS_PREFIX: setting(
    z
      .string()
      .regex(/^[A-Za-z0-9_-]{0,64}$/, 'up to 64 of A-Z a-z 0-9 _ - are expected')
      .default(''),
    {
      description:
        'A prefix of every subject and stream, so that several installations can share an account. Default none.',
    },
  ),
  NATS_REPLICAS: setting(
    z.coerce
      .number()
      .refine((count) => [1, 3, 5].includes(count), '1, 3 or 5 is expected')
      .default(1),
    {
      description:
        'How many NATS servers keep each message of the queue, and with BUS=nats each used ticket: 1, 3 or 5. With 3, ' +
        'the loss of one server loses none.',
    },
  ),
};

/** Further settings of the apps that publish to a queue in NATS or consume it. */
export const natsQueueSettings = {
  NATS_QUEUE_LIMIT: setting(z.coerce.number().int().min(1_000).max(100_000_000).default(100_000), {
    description:
      'With QUEUE=nats: how many urgent messages, and how many others, may wait. Further ones are answered 503. A ' +
      'message takes about a kilobyte of disk, at most 64 KiB.',
  }),
};
