import type { Planted } from './planted';

/** What is allowed, beside what the breaches plant. */
export const RIGHTFUL: readonly Planted[] = [
  {
    fact: 'an adapter takes what adapters have in common',
    file: 'libs/redis/src/planted.ts',
    text: `import '@tocsin/transport';`,
  },
  {
    fact: 'the publisher takes timing, which its package takes along',
    file: 'libs/publisher/src/planted.ts',
    text: `import '@tocsin/timing/back-off';`,
  },
  {
    fact: 'the door itself asks them',
    file: 'apps/gateway/src/access/visible-tenants.ts',
    text: `import { Memberships } from '@tocsin/auth';\nexport const door = Memberships;`,
  },
  {
    fact: 'a controller takes the rest of auth',
    file: 'apps/gateway/src/alerts/planted.controller.ts',
    text: `import { Scopes } from '@tocsin/auth';\nexport const guard = Scopes;`,
  },
  {
    fact: 'the description of a route is made of decorators of Nest',
    file: 'apps/gateway/src/alerts/planted.docs.ts',
    text: `import '@nestjs/swagger';`,
  },
  {
    fact: 'the notifier imports what its channels are made of',
    file: 'apps/notifier/src/channels/planted.channel.ts',
    text: `import 'nodemailer';\nimport 'liquidjs';`,
  },
  {
    fact: 'webhook-template imports its engine and the nearest names',
    file: 'libs/webhook-template/src/planted.ts',
    text: `import 'liquidjs';\nimport '@tocsin/messages';\nimport '@tocsin/contracts';`,
  },
  { fact: 'an adapter imports its driver', file: 'libs/redis/src/planted.ts', text: `import 'ioredis';` },
  { fact: 'the publisher imports its driver', file: 'libs/publisher/src/planted.ts', text: `import 'amqplib';` },
  {
    fact: 'auth imports its packages',
    file: 'libs/auth/src/planted.ts',
    text: `import 'jose';\nimport '@nestjs/jwt';\nimport 'openid-client';`,
  },
  {
    fact: 'the event broker imports its drivers, wire and timing',
    file: 'libs/event-broker/src/planted.ts',
    text: ['pg', 'ioredis', 'typeorm', 'prom-client', '@tocsin/contracts/wire', '@tocsin/timing/back-off']
      .map((name) => `import '${name}';`)
      .join('\n'),
  },
  {
    fact: 'an example composes the event broker and the publisher',
    file: 'examples/planted.ts',
    text: `import '@tocsin/event-broker';\nimport '@tocsin/publisher';`,
  },
  {
    fact: 'the publisher takes wire and exact-json',
    file: 'libs/publisher/src/planted.ts',
    text: `import '@tocsin/contracts/wire';\nimport '@tocsin/messages/exact-json';`,
  },
  {
    fact: 'the files of wire import each other',
    file: 'libs/contracts/src/wire/alerts.ts',
    text: `import './alert-values';`,
  },
  {
    fact: 'messages builds on contracts and on packages',
    file: 'libs/messages/src/planted.ts',
    text: `import '@tocsin/contracts';\nimport '@tocsin/contracts/ports';\nimport 'class-validator';`,
  },
  {
    fact: 'an adapter reads messages and settings',
    file: 'libs/redis/src/planted.ts',
    text: `import '@tocsin/messages';\nimport '@tocsin/settings';`,
  },
  {
    fact: 'auth reads settings',
    file: 'libs/auth/src/planted.ts',
    text: `import '@tocsin/settings';`,
  },
  {
    fact: 'a file of an app reads messages and settings',
    file: 'apps/gateway/src/live/planted.ts',
    text: `import '@tocsin/messages';\nimport '@tocsin/settings';`,
  },
  {
    fact: 'a test breaks connections',
    file: 'libs/publisher/src/planted.int.spec.ts',
    text: `import '@tocsin/fault-proxy';\nimport '@tocsin/contracts/testing';`,
  },
  {
    fact: 'the client takes wire and React',
    file: 'libs/react-client/src/planted.tsx',
    text: `import '@tocsin/contracts/wire';\nimport 'react';`,
  },
  {
    fact: 'the dashboard builds on the client',
    file: 'apps/dashboard/src/planted.tsx',
    text: `import '@tocsin/contracts/wire';\nimport '@tocsin/react-client';\nimport 'sonner';`,
  },
  {
    fact: 'rabbitmq builds on the publisher',
    file: 'libs/rabbitmq/src/planted.ts',
    text: `import '@tocsin/publisher';`,
  },
  {
    fact: 'a composition root chooses',
    file: 'apps/gateway/src/main.ts',
    text: `import '@tocsin/redis';\nimport '@tocsin/postgres';`,
  },
  {
    fact: 'a composition root asks for the engines that the settings name',
    file: 'apps/notifier/src/main.ts',
    text: `import '@tocsin/engines';\nimport '@tocsin/engines/queue';`,
  },
  {
    fact: 'the choice of engines builds on adapters',
    file: 'libs/engines/src/planted.ts',
    text: `import '@tocsin/redis';\nimport '@tocsin/postgres';\nimport '@tocsin/settings';`,
  },
  {
    fact: 'a command of the cli composes',
    file: 'apps/cli/src/planted.ts',
    text: `import '@tocsin/postgres';\nimport '@tocsin/publisher';`,
  },
  {
    fact: 'a file of an app asks for ports',
    file: 'apps/gateway/src/live/planted.ts',
    text: `import '@tocsin/contracts/ports';\nimport '@tocsin/observability';`,
  },
  {
    fact: 'a test composes',
    file: 'apps/gateway/src/live/planted.spec.ts',
    text: `import '@tocsin/embedded';\nimport '@tocsin/contracts/testing';`,
  },
  {
    fact: 'an end to end test is a foreign program',
    file: 'e2e/planted.e2e.spec.ts',
    text: `import 'amqplib';\nimport 'pg';\nimport '@tocsin/contracts/wire';`,
  },
];
