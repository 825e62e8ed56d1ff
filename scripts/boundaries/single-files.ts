import type { Planted } from './planted';

/** Cycles, and the rules about a single file. */
export const SINGLE_FILES: readonly Planted[] = [
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
