const { existsSync, readdirSync, readFileSync } = require('node:fs');
const { join } = require('node:path');

// Packages that ship ESM only are compiled for Jest; which ones these are is read from what is installed.
const modules = join(__dirname, 'node_modules');
const packages = readdirSync(modules).flatMap((name) =>
  name.startsWith('@') ? readdirSync(join(modules, name)).map((inner) => `${name}/${inner}`) : [name],
);
const esmOnly = packages.filter((name) => {
  const manifest = join(modules, name, 'package.json');
  return existsSync(manifest) && JSON.parse(readFileSync(manifest, 'utf8')).type === 'module';
});

const { compilerOptions } = JSON.parse(readFileSync(join(__dirname, 'tsconfig.json'), 'utf8'));
const moduleNameMapper = Object.fromEntries(
  Object.entries(compilerOptions.paths).map(([name, [path]]) => [`^${name}$`, join(__dirname, path)]),
);

const compiledBy = (parser) => [
  '@swc/jest',
  {
    jsc: {
      parser,
      transform: { legacyDecorator: true, decoratorMetadata: true, react: { runtime: 'automatic' } },
      target: 'es2022',
    },
    // a file of tests that uses one thing of a library does not load the others with all that they import
    module: { type: 'commonjs', lazy: true },
  },
];

const common = {
  rootDir: __dirname,
  testEnvironment: 'node',
  moduleNameMapper,
  transform: {
    // two lines, not one: in a .tsx file `<T>(value)` is the begin of an element
    '\\.[cm]?[jt]s$': compiledBy({ syntax: 'typescript', decorators: true }),
    '\\.[jt]sx$': compiledBy({ syntax: 'typescript', tsx: true }),
  },
  transformIgnorePatterns: [`/node_modules/(?!(${esmOnly.join('|')})/)`],
  modulePathIgnorePatterns: ['<rootDir>/dist/', '<rootDir>/.tocsin/', '<rootDir>/libs/[^/]+/lib/'],
};

/** Tests of a database copy the one that the first of them migrates. */
const onDatabase = {
  ...common,
  globalSetup: '<rootDir>/scripts/test/template-database.cjs',
  globalTeardown: '<rootDir>/scripts/test/template-database-dropped.cjs',
};

/** `x.whole.e2e.spec.ts` runs at full size alone: in `npm run test:faults`, and not in `npm test`. */
const notNow = process.env.TOCSIN_FAULTS === 'full' ? [] : ['\\.whole\\.(load\\.)?e2e\\.spec\\.ts$'];

/**
 * `x.spec.ts` needs nothing; `x.int.spec.ts` needs real services; `x.e2e.spec.ts` starts built processes as well, and
 * waits for them beside others; `x.load.e2e.spec.ts` measures them under load, and has the machine to itself.
 */
module.exports = {
  projects: [
    {
      ...common,
      displayName: 'unit',
      testMatch: ['**/*.spec.{ts,tsx}'],
      testPathIgnorePatterns: ['\\.int\\.spec\\.ts$', '\\.e2e\\.spec\\.ts$', '/node_modules/'],
    },
    { ...onDatabase, displayName: 'integration', testMatch: ['**/*.int.spec.ts'] },
    {
      ...onDatabase,
      displayName: 'e2e',
      testMatch: ['**/*.e2e.spec.ts'],
      testPathIgnorePatterns: ['\\.load\\.e2e\\.spec\\.ts$', '/node_modules/', ...notNow],
    },
    {
      ...onDatabase,
      displayName: 'load',
      testMatch: ['**/*.load.e2e.spec.ts'],
      testPathIgnorePatterns: ['/node_modules/', ...notNow],
    },
  ],
  testSequencer: '<rootDir>/scripts/slow-first.cjs',
  // generous: a busy machine takes its time to start processes
  testTimeout: 60_000,
};
