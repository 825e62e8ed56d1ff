import type { Planted } from './planted';

/**
 * Each driver has its library: one breach from another library, one from an app, one from a library that is no adapter.
 */
export const DRIVERS: readonly Planted[] = [
  ...(
    [
      ['pg', 'libs/postgres and libs/event-broker'],
      ['typeorm', 'libs/postgres and libs/event-broker'],
      ['ioredis', 'libs/redis and libs/event-broker'],
      ['@nats-io/jetstream', 'libs/nats'],
      ['amqplib', 'libs/rabbitmq and libs/publisher'],
      ['@electric-sql/pglite', 'libs/embedded'],
      ['jose', 'libs/auth'],
      ['@nestjs/jwt', 'libs/auth'],
      ['openid-client', 'libs/auth'],
      ['twilio', 'libs/phones'],
      ['twilio/lib/webhooks/webhooks', 'libs/phones'],
      ['pino', 'libs/observability'],
      ['prom-client', 'libs/observability and libs/event-broker'],
      ['@nestjs/terminus', 'libs/observability'],
      ['@opentelemetry/api', 'libs/observability'],
    ] as const
  ).flatMap(([driver, owner]) =>
    ['libs/planted/src/planted.module.ts', 'apps/gateway/src/planted.module.ts', 'libs/contracts/src/planted.ts'].map(
      (file) => ({
        fact: `${driver} is not imported by ${file.split('/').slice(0, 2).join('/')}`,
        file,
        text: `import '${driver}';`,
        says: new RegExp(`imported by ${owner} and nowhere else`),
      }),
    ),
  ),

  ...['nodemailer', 'nodemailer/lib/mail-composer', 'liquidjs', 'standardwebhooks', 'cockatiel', 'ipaddr.js'].flatMap(
    (name) =>
      ['libs/redis/src/planted.ts', 'apps/gateway/src/planted.module.ts'].map((file) => ({
        fact: `${name} is not imported by ${file.split('/').slice(0, 2).join('/')}`,
        file,
        text: `import '${name}';`,
        says: /imported by apps\/notifier and nowhere else/,
      })),
  ),
];
