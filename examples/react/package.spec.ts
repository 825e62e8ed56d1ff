import { copyFileSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { bin, EmptyProject, run } from '../testing/empty-project';

const root = join(__dirname, '..', '..');

/** Code of a user of the package: what must compile, and what must not. */
const STRICT = `
  import { AlertStreamProvider, ApiProblem, useAct, useAlerts, useAlertStream, useConnectionStatus, type Alert, type AlertStreamOptions } from '@tocsin/react-client';
  import { createAlertStream } from '@tocsin/react-client/core';
  export const titles = (alerts: readonly Alert[]): string[] => alerts.map(({ title }) => title);
  export const options: AlertStreamOptions = { ticket: async () => 'ticket', filter: { severity: ['urgent'] }, storage: null };
  export const stop = createAlertStream(options).on('inventory_alert', ({ severity, labels }, { notify }) => void [severity === 'urgent', labels.site, notify]);
  // @ts-expect-error there is no such event
  createAlertStream(options).on('alarm', () => undefined);
  // @ts-expect-error there is no such severity
  export const wrong: AlertStreamOptions = { filter: { severity: ['enormous'] } };
  export function Uses() {
    useAlertStream({ heartbeat: ({ checked_at }) => void checked_at });
    // @ts-expect-error there is no such status
    useAlerts({ status: ['open'] });
    // @ts-expect-error there is no such act
    void useAct().act('id', { act: 'ignore' });
    return useConnectionStatus().state === 'live' && ApiProblem.name;
  }
  void AlertStreamProvider;
`;
const SERVER = `
  import { createElement as h, StrictMode } from 'react';
  import { renderToString } from 'react-dom/server';
  import { AlertInbox, AlertStreamProvider } from '@tocsin/react-client';
  console.log(renderToString(h(StrictMode, null, h(AlertStreamProvider, { token: 'x.y.z' }, h(AlertInbox)))));
`;

// The package as its users get it: packed, and installed into an empty project without a network.

let project: EmptyProject;
let folder: string;
beforeAll(async () => {
  project = await EmptyProject.make();
  folder = project.folder;
  for (const file of ['alerts.tsx', 'inbox.tsx']) copyFileSync(join(__dirname, file), join(folder, file));
  writeFileSync(join(folder, 'strict.ts'), STRICT);
  writeFileSync(join(folder, 'vite-env.d.ts'), `declare module '*.css';`);
}, 120_000);
afterAll(() => project?.remove());

it.each([
  ['a bundler', { module: 'esnext', moduleResolution: 'bundler' }],
  ['Node', { module: 'nodenext' }],
])(
  'installed from its tarball it type-checks as documented, for %s',
  async (_, how) => {
    const compilerOptions = {
      ...how,
      target: 'es2022',
      lib: ['es2023', 'dom', 'dom.iterable'],
      jsx: 'react-jsx',
      strict: true,
      exactOptionalPropertyTypes: true,
      noEmit: true,
      types: [],
      skipLibCheck: false,
    };
    writeFileSync(
      join(folder, 'tsconfig.json'),
      JSON.stringify({ compilerOptions, files: ['vite-env.d.ts', 'alerts.tsx', 'inbox.tsx', 'strict.ts'] }),
    );
    const compiled = await run(process.execPath, [bin('typescript', 'bin', 'tsc'), '-p', 'tsconfig.json'], {
      cwd: folder,
    }).catch((error: { stdout: string }) => error);
    expect(compiled.stdout).toBe('');
  },
  60_000,
);

it('Vite builds the ten lines, and the inbox with its styles', async () => {
  for (const [name, ends] of [
    ['alerts', ['.js']],
    ['inbox', ['.js', '.css']],
  ] as const) {
    const built = readdirSync(join(await project.build(`${name}.tsx`), 'assets'));
    for (const end of ends) expect(built.filter((file) => file.endsWith(end))).toHaveLength(1);
  }
}, 60_000);

it('it renders on a server, where it opens nothing', async () => {
  const { stdout, stderr } = await run(process.execPath, ['--input-type=module', '--eval', SERVER], {
    cwd: folder,
    timeout: 20_000,
  });
  expect(stdout).toContain('class="tocsin-bell"');
  expect(stderr).toBe('');
});

it('it depends on React alone and has the version of the rest', () => {
  const manifest = (path: string) => JSON.parse(readFileSync(join(root, path), 'utf8')) as Record<string, unknown>;
  expect(manifest('libs/react-client/package.json')).toMatchObject({
    version: manifest('package.json').version,
    peerDependencies: { react: '>=18' },
  });
  expect(manifest('libs/react-client/package.json')).not.toHaveProperty('dependencies');
  const lib = join(folder, 'node_modules', '@tocsin', 'react-client', 'lib');
  const files = readdirSync(lib, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.js'));
  const imported = files.flatMap((file) =>
    [...readFileSync(join(lib, file), 'utf8').matchAll(/^(?:import|export) [^;]*from ["']([^.][^"']*)["']/gm)].map(
      ([, name]) => name,
    ),
  );
  expect([...new Set(imported)].sort()).toEqual(['react', 'react/jsx-runtime']);
});
