import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { bin, run } from '../testing/empty-project';

// The package as its users get it: packed, and installed into an empty folder, where it needs nothing, and into a
// project with Nest, whose packages are those of this checkout.

const root = join(__dirname, '..', '..');
const STRICT = `
  import { EventBroker, MemoryProvider, type AlertRule } from '@tocsin/event-broker';
  new EventBroker({ provider: new MemoryProvider({ maxEvents: 10 }), mode: 'sync' });
  // @ts-expect-error there is no such mode
  new EventBroker({ mode: 'later' });
  // @ts-expect-error there is no such source
  void new EventBroker().publish({ type: 'a', source: 'mars' });
  export const rule: AlertRule<{ kilos: number }> = {
    name: 'low', pattern: '*', when: ({ payload }) => payload.kilos < 5, dedupKey: () => 'k',
    // @ts-expect-error an alert has a severity
    alert: () => ({ tenant_id: 'a', service: 'b' }),
  };
`;

let empty: string;
let nest: string;
beforeAll(async () => {
  empty = mkdtempSync(join(tmpdir(), 'tocsin-event-broker-'));
  // within the tree, so that Nest is found above it
  mkdirSync(join(root, '.tocsin'), { recursive: true });
  nest = mkdtempSync(join(root, '.tocsin', 'event-broker-'));
  await run(process.execPath, [join(root, 'scripts', 'pack-event-broker.mjs'), empty]);
  const [tarball] = readdirSync(empty);
  writeFileSync(join(empty, 'package.json'), JSON.stringify({ private: true }));
  await run(
    'npm',
    ['install', '--offline', '--no-audit', '--no-fund', '--no-package-lock', '--ignore-scripts', join(empty, tarball!)],
    { cwd: empty },
  );
  cpSync(join(empty, 'node_modules'), join(nest, 'node_modules'), { recursive: true });
  writeFileSync(join(nest, 'package.json'), JSON.stringify({ private: true }));
}, 120_000);
afterAll(() => {
  for (const folder of [empty, nest]) if (folder) rmSync(folder, { recursive: true, force: true });
});

async function compile(folder: string, files: Record<string, string>): Promise<string> {
  const compilerOptions = {
    module: 'nodenext',
    target: 'es2023',
    strict: true,
    exactOptionalPropertyTypes: true,
    experimentalDecorators: true,
    emitDecoratorMetadata: true,
    types: ['node'],
    typeRoots: [join(root, 'node_modules', '@types')],
    skipLibCheck: folder === nest,
  };
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, include: ['*.ts'] }));
  const tsc = bin('typescript-7', 'bin', 'tsc');
  const { stdout } = await run(process.execPath, [tsc, '-p', 'tsconfig.json'], { cwd: folder }).catch(
    (error: { stdout: string }) => error,
  );
  return stdout;
}

it('in an empty folder it is the only package, compiles with its types, and runs ten lines', async () => {
  expect(readdirSync(join(empty, 'node_modules')).filter((name) => !name.startsWith('.'))).toEqual(['@tocsin']);
  cpSync(join(__dirname, 'ten-lines.ts'), join(empty, 'ten-lines.ts'));
  expect(await compile(empty, { 'strict.ts': STRICT })).toBe('');
  const { stdout } = await run(process.execPath, ['ten-lines.js'], { cwd: empty });
  expect(stdout).toBe('public.users.create Ada\n');
  const { stdout: imported } = await run(
    process.execPath,
    [
      '--input-type=module',
      '-e',
      `import { EventBroker } from '@tocsin/event-broker'; console.log(typeof EventBroker);`,
    ],
    { cwd: empty },
  );
  expect(imported).toBe('function\n');
}, 60_000);

it('on SIGTERM what waits is handled, and then the process ends by the signal', async () => {
  writeFileSync(
    join(empty, 'shutdown.js'),
    `const { EventBroker, registerShutdown } = require('@tocsin/event-broker');
     const broker = new EventBroker({ workerCount: 1 });
     broker.subscribe('*', async ({ payload }) => {
       await new Promise((resolve) => setTimeout(resolve, 5));
       console.log(payload);
     });
     registerShutdown(broker);
     setInterval(() => {}, 1_000);
     void broker.start().then(async () => {
       for (const payload of [1, 2, 3]) await broker.publish({ type: 'tick', payload });
       process.kill(process.pid, 'SIGTERM');
     });`,
  );
  const ended = await run(process.execPath, ['shutdown.js'], { cwd: empty }).catch((error: object) => error);
  expect(ended).toMatchObject({ signal: 'SIGTERM', stdout: '1\n2\n3\n' });
});

it('in a project with Nest its module calls the methods with @OnEvent', async () => {
  cpSync(join(__dirname, 'nest.ts'), join(nest, 'nest.ts'));
  const faces = ['typeorm', 'database', 'redis', 'prometheus', 'yaml'];
  const imports = faces.map((face, number) => `export * as face${number} from '@tocsin/event-broker/${face}';`);
  expect(await compile(nest, { 'faces.ts': imports.join('\n') })).toBe('');
  const { stdout } = await run(process.execPath, ['nest.js'], { cwd: nest });
  expect(stdout).toBe('welcome Ada\n');
  await run(process.execPath, ['faces.js'], { cwd: nest });
}, 60_000);
