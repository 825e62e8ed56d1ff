import { notAllowed, type Planted } from './planted';

/** What must stay in its place. */
export const PLACES: readonly Planted[] = [
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
    fact: 'the choice of engines opens no connection itself',
    file: 'libs/engines/src/planted.ts',
    text: `import 'ioredis';`,
    says: /imported by libs\/redis and libs\/event-broker and nowhere else/,
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
];
