import boundaries from 'eslint-plugin-boundaries';
import { importX } from 'eslint-plugin-import-x';
import tseslint from 'typescript-eslint';

// The direction of dependency, as ARCHITECTURE.md draws it. Every rule here carries its reason, and
// scripts/boundaries.spec.ts plants one breach per policy: a policy that matches nothing looks like one that is obeyed.

const elements = (...types) => ({ element: { types: { anyOf: types } } });
const files = (...categories) => ({ file: { categories: { anyOf: categories } } });
const otherFilesThan = (...categories) => ({ file: { categories: { noneOf: categories } } });
const adapter = (technology) => ({ element: { type: 'adapter', captured: { technology } } });
const packages = (...source) => ({ module: { origin: 'external', source } });

/** Which library alone imports which driver: the stack can be read from `ls libs`. */
const DRIVERS = [
  { drivers: ['pg', 'pg-*', 'typeorm'], owners: ['postgres', 'event-broker'] },
  { drivers: ['ioredis'], owners: ['redis', 'event-broker'] },
  { drivers: ['@nats-io/*'], owners: ['nats'] },
  { drivers: ['amqplib'], owners: ['rabbitmq', 'publisher'] },
  { drivers: ['@electric-sql/*'], owners: ['embedded'] },
  { drivers: ['jose', '@nestjs/jwt', 'openid-client'], owners: ['auth'] },
  { drivers: ['twilio', 'twilio/*'], owners: ['phones'] },
  { drivers: ['prom-client'], owners: ['observability', 'event-broker'] },
  { drivers: ['pino', '@nestjs/terminus', '@opentelemetry/*'], owners: ['observability'] },
];

/**
 * What the channels are made of. No other app sends, escapes for a provider, or posts to addresses that users choose.
 */
const CHANNEL_PACKAGES = ['nodemailer', 'nodemailer/*', 'liquidjs', 'standardwebhooks', 'cockatiel', 'ipaddr.js'];

const policies = [
  // What is allowed. Whatever no line allows is refused.
  { allow: { to: { module: { origin: ['external', 'core'] } } } },
  { allow: { dependency: { relationship: { to: 'internal' } } } },
  {
    from: elements(
      'messages',
      'settings',
      'transport',
      'observability',
      'auth',
      'phones',
      'webhook-template',
      'adapter',
      'app',
      'outside',
    ),
    allow: { to: elements('contracts') },
  },
  {
    from: elements('observability', 'auth', 'phones', 'adapter', 'app', 'outside'),
    allow: { to: elements('settings') },
  },
  { from: elements('webhook-template', 'adapter', 'app', 'outside'), allow: { to: elements('messages') } },
  {
    from: elements('publisher', 'event-broker', 'react-client'),
    allow: { to: { ...elements('contracts'), ...files('wire') } },
  },
  { from: elements('publisher'), allow: { to: { ...elements('messages'), ...files('wire') } } },
  {
    from: elements('transport', 'publisher', 'event-broker', 'adapter', 'app', 'outside'),
    allow: { to: elements('timing') },
  },
  { from: elements('adapter'), allow: { to: elements('transport') } },
  { from: elements('auth', 'adapter', 'app', 'outside'), allow: { to: elements('observability') } },
  { from: elements('app', 'outside'), allow: { to: elements('auth', 'phones', 'webhook-template') } },
  { from: adapter('rabbitmq'), allow: { to: elements('publisher') } },
  { from: { ...elements('app'), ...files('composition') }, allow: { to: elements('adapter', 'publisher', 'engines') } },
  // What QUEUE and BUS name is chosen once, for the composition roots of all apps.
  { from: elements('engines'), allow: { to: elements('adapter', 'settings', 'observability') } },
  {
    from: { element: { type: 'app', captured: { app: 'standalone' } } },
    allow: { to: { ...elements('app'), ...files('face') } },
  },
  // The example that mounts an app in another application does as the standalone does.
  { from: { ...elements('outside'), ...files('mounting') }, allow: { to: { ...elements('app'), ...files('face') } } },
  { from: elements('dashboard', 'outside'), allow: { to: elements('react-client') } },
  { from: elements('dashboard'), allow: { to: { ...elements('contracts'), ...files('wire') } } },
  {
    from: files('spec'),
    allow: {
      to: elements('adapter', 'publisher', 'contracts', 'messages', 'settings', 'observability', 'auth', 'phones'),
    },
  },
  { from: files('test'), allow: { to: elements('fault-proxy') } },
  { from: elements('outside'), allow: { to: elements('adapter', 'publisher', 'event-broker', 'outside') } },
  // The providers that play their part on this machine are written once.
  { from: elements('outside'), allow: { to: { ...elements('app'), ...files('test') } } },

  // What is refused although a line above allows it. Where several lines match, the last one speaks.
  {
    from: { ...elements('contracts'), ...otherFilesThan('test') },
    disallow: { to: { module: { origin: 'external' } } },
    message: 'contracts imports no package: what the parts agree on is plain TypeScript',
  },
  {
    from: { ...elements('contracts', 'messages', 'timing'), ...files('wire') },
    disallow: { to: [{ module: { origin: ['external', 'core'] } }, elements('contracts', 'messages')] },
    message: 'wire, exact-json and timing import nothing: browsers and published packages take them whole',
  },
  // The files of wire are one: they may import each other.
  {
    from: { ...elements('contracts'), ...files('wire') },
    allow: { to: { ...elements('contracts'), ...files('wire') } },
  },
  {
    from: elements('messages', 'settings', 'transport'),
    disallow: { to: packages('@nestjs/*') },
    message: 'messages, settings and transport run without Nest',
  },
  {
    from: {
      ...elements('app', 'adapter', 'publisher', 'event-broker', 'phones', 'webhook-template'),
      ...otherFilesThan('edge'),
    },
    disallow: { to: packages('@nestjs/*') },
    message:
      'Nest stays at the edges: modules, controllers and their docs, guards, filters, interceptors, servers, main',
  },
  {
    from: { ...elements('react-client'), ...otherFilesThan('spec') },
    disallow: { to: [{ module: { origin: 'core' } }, packages('!react')] },
    message: 'react-client depends on React alone: it is published, and runs in a browser',
  },
  {
    from: { ...elements('react-client'), ...files('plain') },
    disallow: { to: packages('react') },
    message: 'the core of react-client runs without React',
  },
  {
    from: otherFilesThan('test'),
    disallow: { to: files('test') },
    message: 'test code stays in tests',
  },
  ...DRIVERS.map(({ drivers, owners }) => ({
    from: [
      { element: { types: { noneOf: ['adapter', 'outside', ...owners] } } },
      { element: { type: 'adapter', captured: { technology: `!(${owners.join('|')})` } } },
    ],
    disallow: { to: packages(...drivers) },
    message: `${drivers.join(', ')}: imported by libs/${owners.join(' and libs/')} and nowhere else`,
  })),
  {
    from: [
      { element: { types: { noneOf: ['app', 'outside'] } } },
      { element: { type: 'app', captured: { app: '!(notifier)' } } },
    ],
    disallow: { to: packages(...CHANNEL_PACKAGES) },
    message: `${CHANNEL_PACKAGES.join(', ')}: imported by apps/notifier and nowhere else`,
  },
  // A template of a webhook is tried where it is saved, which is not where it is sent.
  { from: elements('webhook-template'), allow: { to: packages('liquidjs') } },
];

const resolver = { typescript: { project: './tsconfig.json' } };

const readsTheEnvironment = {
  selector: "MemberExpression[object.name='process'][property.name='env']",
  message:
    'Only config.ts and main.ts read the environment: a setting that is read elsewhere is in no table and is not checked.',
};
const ASK_VISIBLE_TENANTS = 'VisibleTenants is the one door to the tenants of a token: it leaves out what was revoked.';
const enumDeclaration = {
  selector: 'TSEnumDeclaration',
  message: 'A string union says the same and is what is stored and sent.',
};

export default tseslint.config(
  { ignores: ['dist/', 'node_modules/', '.tocsin/', 'coverage/', 'artifacts/', 'libs/*/lib/', 'apps/cli/lib/'] },
  ...tseslint.configs.recommended,
  {
    files: ['**/*.{ts,tsx,mjs,cjs}'],
    linterOptions: { reportUnusedDisableDirectives: 'error' },
    rules: {
      eqeqeq: ['error', 'always', { null: 'ignore' }],
      // Prettier breaks code, and no comment
      'max-len': ['error', { code: 1_000, comments: 120, ignoreUrls: true }],
      'no-var': 'error',
      'prefer-const': 'error',
      'no-throw-literal': 'error',
      'no-fallthrough': 'error',
      'no-unreachable': 'error',
      'no-control-regex': 'error',
      'no-constant-condition': ['error', { checkLoops: false }],
      'no-self-compare': 'error',
      'no-debugger': 'error',
      'no-async-promise-executor': 'error',
      '@typescript-eslint/no-unused-vars': [
        'error',
        { argsIgnorePattern: '^_', varsIgnorePattern: '^_', ignoreRestSiblings: true },
      ],
    },
  },
  {
    files: ['**/*.{ts,tsx}'],
    plugins: { boundaries, 'import-x': importX },
    settings: {
      'import/resolver': resolver,
      'import-x/resolver': resolver,
      // Without this line no-cycle parses nothing and finds nothing.
      'import-x/parsers': { '@typescript-eslint/parser': ['.ts', '.tsx'] },
      'boundaries/root-path': import.meta.dirname,
      'boundaries/files': [
        // The catch-all is no decoration: a file without a category never matches `noneOf`.
        { category: 'code', pattern: '**/*.{ts,tsx}' },
        {
          category: 'composition',
          pattern: ['apps/*/src/{main,config,adapters}.ts', 'apps/{standalone,cli}/src/*.ts'],
        },
        { category: 'face', pattern: ['apps/*/src/*.module.ts', 'apps/*/src/{adapters,config}.ts'] },
        { category: 'mounting', pattern: 'examples/mounted-gateway/*.ts' },
        {
          category: 'edge',
          pattern: [
            'apps/*/src/{main,adapters,http-server}.ts',
            '**/*.{module,controller,guard,filter,interceptor,pipe,server,docs}.ts',
            '**/*.spec.ts',
          ],
        },
        {
          category: 'wire',
          pattern: [
            'libs/contracts/src/wire/**/*.ts',
            'libs/messages/src/exact-json.ts',
            'libs/timing/src/{index,back-off,deadline}.ts',
          ],
        },
        { category: 'plain', pattern: 'libs/react-client/src/{core.ts,stream/**,tabs/**,alerts/**,push/**}' },
        { category: 'spec', pattern: '**/*.spec.{ts,tsx}' },
        {
          category: 'test',
          pattern: [
            '**/*.spec.{ts,tsx}',
            '{apps,libs}/**/testing/**',
            'e2e/**',
            'bench/**',
            'libs/fault-proxy/**',
            'scripts/manifests/**',
          ],
        },
      ],
      'boundaries/elements': [
        { type: 'contracts', pattern: 'libs/contracts' },
        { type: 'messages', pattern: 'libs/messages' },
        { type: 'settings', pattern: 'libs/settings' },
        { type: 'timing', pattern: 'libs/timing' },
        { type: 'transport', pattern: 'libs/transport' },
        { type: 'fault-proxy', pattern: 'libs/fault-proxy' },
        { type: 'observability', pattern: 'libs/observability' },
        { type: 'auth', pattern: 'libs/auth' },
        { type: 'phones', pattern: 'libs/phones' },
        { type: 'webhook-template', pattern: 'libs/webhook-template' },
        { type: 'publisher', pattern: 'libs/publisher' },
        { type: 'event-broker', pattern: 'libs/event-broker' },
        { type: 'react-client', pattern: 'libs/react-client' },
        { type: 'engines', pattern: 'libs/engines' },
        { type: 'adapter', pattern: 'libs/*', capture: ['technology'] },
        { type: 'dashboard', pattern: 'apps/dashboard' },
        { type: 'app', pattern: 'apps/*', capture: ['app'] },
        // End to end tests, benches and scripts stand outside the system: they may use drivers as a foreign program
        // would.
        { type: 'outside', pattern: ['e2e', 'bench', 'scripts', 'examples'] },
      ],
    },
    rules: {
      'import-x/no-cycle': ['error', { ignoreExternal: true }],
      'boundaries/dependencies': [
        'error',
        { default: 'disallow', checkAllOrigins: true, checkInternals: true, policies },
      ],
      'no-restricted-syntax': ['error', enumDeclaration],
    },
  },
  {
    files: ['apps/gateway/src/**/*.ts'],
    ignores: ['apps/gateway/src/{main,adapters,access/visible-tenants}.ts', '**/*.spec.ts', '**/testing/**'],
    rules: {
      'no-restricted-imports': [
        'error',
        {
          paths: [
            // A second place that asks who may see what forgets what was revoked: it has happened three times.
            {
              name: '@tocsin/auth',
              importNames: ['Memberships', 'ClaimTenantDirectory', 'HttpTenantDirectory'],
              message: ASK_VISIBLE_TENANTS,
            },
            { name: '@tocsin/contracts/ports', importNames: ['TenantDirectory'], message: ASK_VISIBLE_TENANTS },
          ],
        },
      ],
    },
  },
  { files: ['**/*.cjs'], rules: { '@typescript-eslint/no-require-imports': 'off' } },
  {
    files: ['{apps,libs}/**/*.{ts,tsx}'],
    ignores: ['apps/*/src/{main,config}.ts', 'apps/cli/src/*.ts', '**/*.spec.{ts,tsx}', '**/testing/**'],
    rules: { 'no-restricted-syntax': ['error', enumDeclaration, readsTheEnvironment] },
  },
);
