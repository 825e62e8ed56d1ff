import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { linkFolder } from './faults/built-copy';
import { ask } from './kit/http';
import type { App, Program } from './kit/processes';
import { Stack } from './kit/stack';

const ROOT = join(__dirname, '..');
/** What `scripts/bundle-packages.mjs` leaves out. */
const LEFT_OUT = ['@electric-sql/pglite', 'swagger-ui-dist'];

describe('the built apps, where only the packages that the bundle leaves out are installed', () => {
  let folder: string;
  let stack: Stack;
  const program = (app: App): Program => ({ main: join(folder, 'dist', 'apps', app, 'src', 'main.js') });

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'tocsin-bundled-'));
    linkFolder(join(ROOT, 'dist'), join(folder, 'dist'));
    copyFileSync(join(ROOT, 'package.json'), join(folder, 'package.json'));
    for (const name of LEFT_OUT) {
      mkdirSync(join(folder, 'node_modules', dirname(name)), { recursive: true });
      symlinkSync(join(ROOT, 'node_modules', name), join(folder, 'node_modules', name));
    }
    stack = await Stack.open({ tenants: { ana: ['bakery'] }, gateways: 0, processors: 0 });
    await Promise.all([
      stack.startGateway({}, program('gateway')),
      stack.startProcessor({}, program('alert-processor')),
      stack.startNotifier({}, program('notifier')),
    ]);
  }, 120_000);
  afterAll(async () => {
    await stack?.close();
    rmSync(folder, { recursive: true, force: true });
  }, 60_000);

  it('bring an alert to a stream', async () => {
    const stream = await stack.watch('ana');
    await stack.amqp.publish('alert.urgent.inventory', { tenant_id: 'bakery', name: 'low_stock' });
    expect((await stream.frame('inventory_alert')).data).toContain('low_stock');
    stream.close();
  });

  it('make their API document, from a package that they load only then', async () => {
    const { status, json } = await ask(stack.gateway.url, '/docs/openapi.json');
    expect(status).toBe(200);
    expect(json.openapi).toMatch(/^3\./);
  });

  it('run the command line', async () => {
    const { status, stdout, stderr } = spawnSync(process.execPath, [program('cli').main!, '--help'], {
      encoding: 'utf8',
    });
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(stdout).toContain('migrate');
  });
});

it('V8 takes the code of the packages that was compiled at the build', () => {
  const load = JSON.stringify(join(ROOT, 'dist', 'node_modules', '.packages', 'load.cjs'));
  const { stdout } = spawnSync(process.execPath, ['-p', `require(${load}).bundle.isCompiled`], { encoding: 'utf8' });
  expect(stdout).toBe('true\n');
});
