import { execFileSync } from 'node:child_process';
import { join } from 'node:path';

// Each breach is the text of a file that does not exist, or exists with other text. ESLint checks it as if it stood at
// `file`, and resolves its imports on the real tree. A policy that matches nothing looks exactly like one that is
// obeyed, so each policy has a breach.

const root = join(__dirname, '..');

interface Planted {
  fact: string;
  file: string;
  text: string;
  /** What the linter must report; undefined means that the import is allowed. */
  says?: RegExp;
}

const notAllowed = /no rule allowing|not allowed|no policy/i;

const breaches: Planted[] = [
  // Which part may import which.
  {
    fact: 'a library does not import an app',
    file: 'libs/redis/src/planted.ts',
    text: `import '../../../apps/gateway/src/main';`,
    says: notAllowed,
  },
  {
    fact: 'sibling libraries do not import each other',
    file: 'libs/redis/src/planted.ts',
    text: `import '@tocsin/postgres';`,
    says: notAllowed,
  },
  {
    fact: 'phones imports contracts and settings and no other library',
    file: 'libs/phones/src/planted.ts',
    text: `import '@tocsin/observability';`,
    says: notAllowed,
  },
  {
    fact: 'phones runs without Nest',
    file: 'libs/phones/src/planted.ts',
    text: `import '@nestjs/common';`,
    says: /Nest stays at the edges/,
  },
  {
    fact: 'webhook-template imports contracts and messages and no other library',
    file: 'libs/webhook-template/src/planted.ts',
    text: `import '@tocsin/observability';`,
    says: notAllowed,
  },
  {
    fact: 'webhook-template takes the engine, and nothing else that channels are made of',
    file: 'libs/webhook-template/src/planted.ts',
    text: `import 'nodemailer';`,
    says: /imported by apps\/notifier and nowhere else/,
  },
  {
    fact: 'webhook-template runs without Nest',
    file: 'libs/webhook-template/src/planted.ts',
    text: `import '@nestjs/common';`,
    says: /Nest stays at the edges/,
  },
  {
    fact: 'contracts imports no other library',
    file: 'libs/contracts/src/planted.ts',
    text: `import '@tocsin/observability';`,
    says: notAllowed,
  },
  {
    fact: 'contracts does not parse messages',
    file: 'libs/contracts/src/planted.ts',
    text: `import '@tocsin/messages';`,
    says: notAllowed,
  },
  {
    fact: 'the contract tests of ports do not parse messages either',
    file: 'libs/contracts/src/testing/planted.ts',
    text: `import '@tocsin/messages';`,
    says: notAllowed,
  },
  {
    fact: 'contracts reads no settings',
    file: 'libs/contracts/src/planted.ts',
    text: `import '@tocsin/settings';`,
    says: notAllowed,
  },
  {
    fact: 'messages imports contracts and no other library',
    file: 'libs/messages/src/planted.ts',
    text: `import '@tocsin/settings';`,
    says: notAllowed,
  },
  {
    fact: 'messages does not observe itself',
    file: 'libs/messages/src/planted.ts',
    text: `import '@tocsin/observability';`,
    says: notAllowed,
  },
  {
    fact: 'settings imports contracts and no other library',
    file: 'libs/settings/src/planted.ts',
    text: `import '@tocsin/messages';`,
    says: notAllowed,
  },
  {
    fact: 'settings does not log',
    file: 'libs/settings/src/planted.ts',
    text: `import '@tocsin/observability';`,
    says: notAllowed,
  },
  {
    fact: 'observability does not parse messages',
    file: 'libs/observability/src/planted.ts',
    text: `import '@tocsin/messages';`,
    says: notAllowed,
  },
  {
    fact: 'auth does not parse messages',
    file: 'libs/auth/src/planted.ts',
    text: `import '@tocsin/messages';`,
    says: notAllowed,
  },
  {
    fact: 'observability does not know who is signed in',
    file: 'libs/observability/src/planted.ts',
    text: `import '@tocsin/auth';`,
    says: notAllowed,
  },
  {
    fact: 'auth does not know an adapter',
    file: 'libs/auth/src/planted.ts',
    text: `import '@tocsin/redis';`,
    says: notAllowed,
  },
  {
    fact: 'an adapter does not know who is signed in',
    file: 'libs/postgres/src/planted.ts',
    text: `import '@tocsin/auth';`,
    says: notAllowed,
  },
  {
    fact: 'only rabbitmq builds on the publisher',
    file: 'libs/redis/src/planted.ts',
    text: `import '@tocsin/publisher';`,
    says: notAllowed,
  },
  {
    fact: 'the publisher takes wire and nothing else of contracts',
    file: 'libs/publisher/src/planted.ts',
    text: `import '@tocsin/contracts';`,
    says: notAllowed,
  },
  {
    fact: 'the publisher takes exact-json and nothing else of messages',
    file: 'libs/publisher/src/planted.ts',
    text: `import '@tocsin/messages';`,
    says: notAllowed,
  },
  {
    fact: 'the publisher reads no settings',
    file: 'libs/publisher/src/planted.ts',
    text: `import '@tocsin/settings';`,
    says: notAllowed,
  },
  {
    fact: 'the publisher does not observe itself',
    file: 'libs/publisher/src/planted.ts',
    text: `import '@tocsin/observability';`,
    says: notAllowed,
  },
  {
    fact: 'no app builds on the event broker: it is for other services',
    file: 'apps/gateway/src/main.ts',
    text: `import '@tocsin/event-broker';`,
    says: notAllowed,
  },
  {
    fact: 'the event broker does not know the publisher: a service hands it one',
    file: 'libs/event-broker/src/planted.ts',
    text: `import '@tocsin/publisher';`,
    says: notAllowed,
  },
  {
    fact: 'the event broker takes wire and nothing else of contracts',
    file: 'libs/event-broker/src/planted.ts',
    text: `import '@tocsin/contracts';`,
    says: notAllowed,
  },
  {
    fact: 'the event broker runs without Nest, except for its module',
    file: 'libs/event-broker/src/planted.ts',
    text: `import '@nestjs/common';`,
    says: /Nest stays at the edges/,
  },
  {
    fact: 'a file of an app does not know the technology behind a port',
    file: 'apps/gateway/src/live/planted.ts',
    text: `import '@tocsin/redis';`,
    says: notAllowed,
  },
  {
    fact: 'a module of an app does not know it either',
    file: 'apps/gateway/src/planted.module.ts',
    text: `import '@tocsin/rabbitmq';`,
    says: notAllowed,
  },
  {
    fact: 'apps do not import apps',
    file: 'apps/gateway/src/planted.ts',
    text: `import '../../alert-processor/src/main';`,
    says: notAllowed,
  },
  {
    fact: 'standalone takes the faces of other apps, not what is inside',
    file: 'apps/standalone/src/planted.ts',
    text: `import '../../gateway/src/main';`,
    says: notAllowed,
  },
  {
    fact: 'the client takes wire and nothing else of contracts',
    file: 'libs/react-client/src/planted.ts',
    text: `import '@tocsin/contracts';`,
    says: notAllowed,
  },
  {
    fact: 'the client knows no server library',
    file: 'libs/react-client/src/planted.ts',
    text: `import '@tocsin/observability';`,
    says: notAllowed,
  },
  {
    fact: 'the client takes nothing of messages, exact-json neither',
    file: 'libs/react-client/src/planted.ts',
    text: `import '@tocsin/messages/exact-json';`,
    says: notAllowed,
  },
  {
    fact: 'the dashboard takes nothing of messages',
    file: 'apps/dashboard/src/planted.tsx',
    text: `import '@tocsin/messages/exact-json';`,
    says: notAllowed,
  },
  {
    fact: 'the dashboard takes wire and nothing else of contracts',
    file: 'apps/dashboard/src/planted.tsx',
    text: `import '@tocsin/contracts';`,
    says: notAllowed,
  },

  // What must stay in its place.
  {
    fact: 'timing imports nothing',
    file: 'libs/timing/src/back-off.ts',
    text: `import 'node:timers/promises';`,
    says: /wire, exact-json and timing import nothing/,
  },
  {
    fact: 'timing knows nothing of what the parts agree on',
    file: 'libs/timing/src/deadline.ts',
    text: `import '@tocsin/contracts';`,
    says: /wire, exact-json and timing import nothing/,
  },
  {
    fact: 'wire imports no package',
    file: 'libs/contracts/src/wire/alerts.ts',
    text: `import 'zod';`,
    says: /wire, exact-json and timing import nothing/,
  },
  {
    fact: 'contracts takes no timing: what waits is no contract',
    file: 'libs/contracts/src/ports/planted.ts',
    text: `import '@tocsin/timing';`,
    says: notAllowed,
  },
  {
    fact: 'what adapters have in common is for adapters',
    file: 'apps/gateway/src/planted.ts',
    text: `import '@tocsin/transport';`,
    says: notAllowed,
  },
  {
    fact: 'transport runs without Nest',
    file: 'libs/transport/src/planted.ts',
    text: `import '@nestjs/common';`,
    says: /run without Nest/,
  },
  {
    fact: 'wire imports nothing of Node',
    file: 'libs/contracts/src/wire/alerts.ts',
    text: `import 'node:crypto';`,
    says: /wire, exact-json and timing import nothing/,
  },
  {
    fact: 'wire imports no other file of contracts',
    file: 'libs/contracts/src/wire/alerts.ts',
    text: `import '../delivery';`,
    says: /wire, exact-json and timing import nothing/,
  },
  {
    fact: 'exact-json imports nothing either',
    file: 'libs/messages/src/exact-json.ts',
    text: `import './instant';`,
    says: /wire, exact-json and timing import nothing/,
  },
  {
    fact: 'contracts imports no package',
    file: 'libs/contracts/src/planted.ts',
    text: `import 'class-validator';`,
    says: /contracts imports no package/,
  },
  {
    fact: 'contracts runs without Nest',
    file: 'libs/contracts/src/planted.ts',
    text: `import '@nestjs/common';`,
    says: /contracts imports no package/,
  },
  ...['messages', 'settings'].map((library) => ({
    fact: `${library} runs without Nest`,
    file: `libs/${library}/src/planted.ts`,
    text: `import '@nestjs/common';`,
    says: /messages, settings and transport run without Nest/,
  })),
  {
    fact: 'a plain file of an app runs without Nest',
    file: 'apps/gateway/src/live/planted.ts',
    text: `import '@nestjs/common';`,
    says: /Nest stays at the edges/,
  },
  {
    fact: 'a plain file of an adapter runs without Nest',
    file: 'libs/redis/src/planted.ts',
    text: `import '@nestjs/common';`,
    says: /Nest stays at the edges/,
  },
  {
    fact: 'the client imports no package but React',
    file: 'libs/react-client/src/planted.tsx',
    text: `import 'sonner';`,
    says: /depends on React alone/,
  },
  {
    fact: 'the client imports nothing of Node',
    file: 'libs/react-client/src/planted.ts',
    text: `import 'node:events';`,
    says: /depends on React alone/,
  },
  {
    fact: 'the core of the client runs without React',
    file: 'libs/react-client/src/stream/planted.ts',
    text: `import 'react';`,
    says: /core of react-client runs without React/,
  },
  {
    fact: 'test code stays in tests',
    file: 'libs/contracts/src/planted.ts',
    text: `import './testing/an-alert';`,
    says: /test code stays in tests/,
  },
  {
    fact: 'the contract tests of the ports stay in tests',
    file: 'apps/gateway/src/planted.ts',
    text: `import '@tocsin/contracts/testing';`,
    says: /test code stays in tests/,
  },

  {
    fact: 'the fault proxy stays in tests',
    file: 'libs/redis/src/planted.ts',
    text: `import '@tocsin/fault-proxy';`,
    says: /test code stays in tests/,
  },

  // Each driver has its library: one breach from another library, one from an app, one from a library that is no
  // adapter.
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

  // Only one place decides which tenants a user may see.
  ...[
    `import { Memberships } from '@tocsin/auth';`,
    `import type { Memberships } from '@tocsin/auth';`,
    `import * as auth from '@tocsin/auth';`,
    `import { TenantDirectory } from '@tocsin/contracts/ports';`,
  ].map((text) => ({
    fact: `the gateway asks nobody but VisibleTenants who may see what: ${text}`,
    file: 'apps/gateway/src/alerts/planted.controller.ts',
    text,
    says: /VisibleTenants is the one door/,
  })),

  // Cycles, and the rules about a single file.
  {
    fact: 'a cycle is an error',
    file: 'libs/contracts/src/event.ts',
    text: `import './index';`,
    says: /Dependency cycle/,
  },
  {
    fact: 'only config and main read the environment',
    file: 'apps/gateway/src/planted.ts',
    text: `export const port = process.env.PORT;`,
    says: /Only config\.ts and main\.ts read the environment/,
  },
  {
    fact: 'there is no enum',
    file: 'apps/gateway/src/planted.ts',
    text: `export enum Colour { red }`,
    says: /A string union says the same/,
  },
  {
    fact: 'there is no any',
    file: 'apps/gateway/src/planted.ts',
    text: `export const anything: any = 1;`,
    says: /Unexpected any/,
  },
  {
    fact: 'nothing is left unused',
    file: 'apps/gateway/src/planted.ts',
    text: `const unused = 1; export {};`,
    says: /never used/,
  },
];

const rightful: Planted[] = [
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
    text: `import 'pg';\nimport 'ioredis';\nimport 'typeorm';\nimport 'prom-client';\nimport '@tocsin/contracts/wire';\nimport '@tocsin/timing/back-off';`,
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

/**
 * ESLint reads its configuration with a dynamic import, which Jest's sandbox does not support. So one process of its
 * own checks all breaches.
 */
const program = `
  import { ESLint } from 'eslint';
  const eslint = new ESLint();
  let input = '';
  for await (const chunk of process.stdin) input += chunk;
  const found = [];
  for (const { file, text } of JSON.parse(input)) {
    const [result] = await eslint.lintText(text + '\\n', { filePath: file });
    found.push(result.messages.map(({ ruleId, message }) => (ruleId ?? 'parser') + ': ' + message));
  }
  process.stdout.write(JSON.stringify(found));
`;

const planted = [...breaches, ...rightful];
let found: string[][];

beforeAll(() => {
  const output = execFileSync(process.execPath, ['--input-type=module', '--eval', program], {
    cwd: root,
    input: JSON.stringify(planted.map(({ file, text }) => ({ file, text }))),
    encoding: 'utf8',
    timeout: 60_000,
  });
  found = JSON.parse(output) as string[][];
}, 60_000);

const saidOf = ({ fact }: Planted) => found[planted.findIndex((one) => one.fact === fact)];

describe('the dependency rule', () => {
  test.each(breaches)('$fact', (breach) => {
    expect(saidOf(breach)).toEqual(expect.arrayContaining([expect.stringMatching(breach.says!)]));
  });

  test.each(rightful)('$fact: allowed', (right) => {
    expect(saidOf(right)).toEqual([]);
  });
});
