import { setting } from '@tocsin/settings';
import { brokerUrls } from '@tocsin/publisher';
import { z } from 'zod';

const AMQP_URL = z.string().refine((list) => {
  try {
    return brokerUrls(list).every(({ protocol, host }) => /^amqps?:$/.test(protocol) && !host.includes(','));
  } catch {
    return false;
  }
}, 'it must be an amqp:// or amqps:// address, or several that are separated by commas');

/** Settings of an app that consumes from RabbitMQ or publishes to it. */
export const rabbitSettings = {
  RABBITMQ_URL: setting(AMQP_URL.optional(), {
    description:
      'The address of RabbitMQ with user and password: amqp:// or amqps://. Its path is the virtual host. Of a ' +
      'cluster, the addresses of its nodes, separated by commas: a process whose node is gone takes the next. Required ' +
      'unless QUEUE is nats, redis or postgres.',
    secret: true,
    example: 'amqp://user:password@localhost:5672',
  }),
  RABBITMQ_PREFIX: setting(
    z
      .string()
      .regex(/^[A-Za-z0-9._-]{0,64}$/, 'up to 64 of A-Z a-z 0-9 . _ - are expected')
      .default(''),
    {
      description:
        'A prefix of the name of every exchange and queue, so that several installations can share a virtual ' +
        'host. Default none.',
    },
  ),
};

/** Further settings of the app that consumes. */
export const rabbitSourceSettings = {
  PROCESSOR_PREFETCH: setting(z.coerce.number().int().min(1).max(10_000).default(2_000), {
    description:
      'How many unacknowledged messages a processor holds: those that it stores, those that it reads ' +
      'meanwhile and those that wait. It holds at most 500 urgent and 250 expired messages in addition. A ' +
      'message takes at most 64 KiB.',
  }),
};
