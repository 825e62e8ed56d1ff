import { execFile } from 'node:child_process';
import { copyFileSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { ExampleQueue } from '../testing/example-queue';

const run = promisify(execFile);
const root = join(__dirname, '..', '..');
const tsc = join(root, 'node_modules', 'typescript-7', 'bin', 'tsc');

/** Code of a user of the package: what must compile, and what must not. */
const STRICT = `
  import { AlertPublisher, enqueue, OutboxRelay, outboxTable } from '@tocsin/publisher';
  import type { Pool } from ${JSON.stringify(join(root, 'node_modules', '@types', 'pg', 'index.js'))};
  declare const pool: Pool;
  const publisher = new AlertPublisher({ url: 'amqp://localhost' });
  new OutboxRelay({ pool, publisher });
  export const sql: string = outboxTable('shop.alert_outbox');
  // @ts-expect-error there is no such severity
  void publisher.publish([{ tenant_id: 'a', service: 'b', severity: 'enormous' }]);
  // @ts-expect-error an alert has a tenant
  export const use = async () => enqueue(await pool.connect(), [{ service: 'b', severity: 'low' }]);
  // @ts-expect-error it is for our own adapters
  export { KeptChannel } from '@tocsin/publisher';
`;

// The package as its users get it: packed, and installed into an empty folder without a network.

let folder: string;
let queue: ExampleQueue;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'tocsin-publisher-'));
  queue = await ExampleQueue.open();
  await run(process.execPath, [join(root, 'scripts', 'pack-publisher.mjs'), join(folder, 'packed')]);
  await run(
    'npm',
    ['pack', '--ignore-scripts', '--pack-destination', join(folder, 'packed'), join(root, 'node_modules', 'amqplib')],
    { cwd: folder },
  );
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ private: true, type: 'module' }));
  const tarballs = readdirSync(join(folder, 'packed')).map((file) => join(folder, 'packed', file));
  await run(
    'npm',
    ['install', '--offline', '--no-audit', '--no-fund', '--no-package-lock', '--ignore-scripts', ...tarballs],
    { cwd: folder },
  );
}, 120_000);
afterAll(async () => {
  await queue?.close();
  rmSync(folder, { recursive: true, force: true });
});

it('installed from its tarball, it compiles as documented, and a wrong alert is a compile error', async () => {
  copyFileSync(join(__dirname, 'publish.ts'), join(folder, 'publish.ts'));
  writeFileSync(join(folder, 'strict.ts'), STRICT);
  const compilerOptions = {
    module: 'nodenext',
    target: 'es2023',
    strict: true,
    exactOptionalPropertyTypes: true,
    types: ['node'],
    typeRoots: [join(root, 'node_modules', '@types')],
  };
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: ['publish.ts', 'strict.ts'] }));
  const compiled = await run(process.execPath, [tsc, '-p', 'tsconfig.json'], { cwd: folder }).catch(
    (error: { stdout: string }) => error,
  );
  expect(compiled.stdout).toBe('');
}, 60_000);

it('the example publishes, confirmed', async () => {
  const { stdout } = await run(process.execPath, ['publish.js', 'Sugar is running low'], {
    cwd: folder,
    env: { ...process.env, ...queue.environment },
  });
  expect(stdout).toBe('confirmed stock-4711\n');
  const message = await queue.get();
  expect(message.fields.routingKey).toBe('alert.urgent.inventory');
  expect(JSON.parse(message.content.toString())).toEqual({
    id: 'stock-4711',
    tenant_id: 'north-bakery',
    service: 'inventory',
    severity: 'urgent',
    name: 'low_stock',
    title: 'Sugar is running low',
  });
});

it('it is loaded by require() too, depends on the amqplib that Tocsin itself uses and on nothing else', async () => {
  const { stdout } = await run(
    process.execPath,
    ['--input-type=commonjs', '-e', `console.log(Object.keys(require('@tocsin/publisher')).sort().join())`],
    { cwd: folder },
  );
  expect(stdout.trim()).toBe('ALERTS_EXCHANGE,AlertPublisher,BrokerUnavailable,OutboxRelay,enqueue,outboxTable');
  const manifest = (path: string) =>
    JSON.parse(readFileSync(join(root, path), 'utf8')) as { version: string; dependencies: Record<string, string> };
  expect(manifest('libs/publisher/package.json').dependencies).toEqual({
    amqplib: manifest('package.json').dependencies.amqplib,
  });
  expect(manifest('libs/publisher/package.json').version).toBe(manifest('package.json').version);
  const lib = join(folder, 'node_modules', '@tocsin', 'publisher', 'lib');
  const files = readdirSync(lib, { recursive: true, encoding: 'utf8' }).filter((name) => /\.[cm]?[jt]s$/.test(name));
  expect(files.length).toBeGreaterThan(5);
  for (const file of files) expect(readFileSync(join(lib, file), 'utf8')).not.toContain('@tocsin/contracts');
});
