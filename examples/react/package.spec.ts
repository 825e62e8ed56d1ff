import { copyFileSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
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
  console.log(renderToString(h(StrictMode, null, h(AlertStreamProvider, { token: 'x.y.z' },
    h(AlertInbox), h(AlertInbox, { locale: 'es', colorScheme: 'dark', href: ({ alert_id }) => '/alerts/' + alert_id })))));
`;

/** An application without alerts: what React alone takes. */
const BARE = `
  import { useState } from 'react';
  import { createRoot } from 'react-dom/client';
  const Bare = () => <p>{useState('Shop')[0]}</p>;
  createRoot(document.getElementById('root')!).render(<Bare />);
`;

// The package as its users get it: packed, and installed into an empty project without a network.

let project: EmptyProject;
let folder: string;
beforeAll(async () => {
  project = await EmptyProject.make();
  folder = project.folder;
  for (const file of ['alerts.tsx', 'inbox.tsx']) copyFileSync(join(__dirname, file), join(folder, file));
  writeFileSync(join(folder, 'strict.ts'), STRICT);
  writeFileSync(join(folder, 'bare.tsx'), BARE);
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
      JSON.stringify({ compilerOptions, files: ['alerts.tsx', 'inbox.tsx', 'strict.ts'] }),
    );
    const compiled = await run(process.execPath, [bin('typescript-7', 'bin', 'tsc'), '-p', 'tsconfig.json'], {
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

it('it adds to an application no more than its README says', async () => {
  const sizes: Record<string, number> = {};
  for (const name of ['bare', 'alerts', 'inbox']) {
    const built = join(await project.build(`${name}.tsx`), 'assets');
    for (const file of readdirSync(built)) {
      const kind = `${name}${file.slice(file.lastIndexOf('.'))}`;
      sizes[kind] = gzipSync(readFileSync(join(built, file)), { level: 9 }).length;
    }
  }
  const readme = readFileSync(join(root, 'libs/react-client/README.md'), 'utf8').replace(/\s+/g, ' ');
  const [, hooks, inbox, css] =
    /at most (\d+) KB for the stream and the hooks, at most (\d+) KB with the inbox, and (\d+) KB/
      .exec(readme)!
      .map(Number);
  for (const [size, most] of [
    [sizes['alerts.js']! - sizes['bare.js']!, hooks!],
    [sizes['inbox.js']! - sizes['bare.js']!, inbox!],
    [sizes['inbox.css']!, css!],
  ] as const) {
    expect(size).toBeGreaterThan(1_000);
    expect(size).toBeLessThan(most * 1_000);
  }
}, 120_000);

it('what has hooks says that it belongs to the client, for server components', () => {
  const lib = join(folder, 'node_modules', '@tocsin', 'react-client', 'lib');
  for (const file of ['react/provider.js', 'react/hooks.js', 'react/use-push.js', 'inbox/alert-inbox.js'])
    expect(readFileSync(join(lib, file), 'utf8')).toMatch(/^'use client';/);
});

it('it renders on a server, where it opens nothing', async () => {
  const { stdout, stderr } = await run(process.execPath, ['--input-type=module', '--eval', SERVER], {
    cwd: folder,
    timeout: 20_000,
  });
  expect(stdout).toContain('class="tocsin-bell"');
  expect(stdout).toContain('class="tocsin-inbox tocsin-scheme-dark"');
  expect([...stdout.matchAll(/aria-label="(Alert\w+)"/g)].map(([, name]) => name)).toEqual(['Alerts', 'Alertas']);
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
