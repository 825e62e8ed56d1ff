import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { eventually } from '@tocsin/contracts/testing';
import { within } from '@tocsin/timing';
import { parse } from 'yaml';
import { freePort } from './kit/free-port';
import { Stack } from './kit/stack';
import { JWT_SECRET } from './kit/tokens';

const COMPOSE = join(__dirname, '..', 'docker-compose.yml');
/** Above a gateway's start, two waits of the command, and the time that a lost hint takes. */
const LATE_MS = 25_000;
/** No command of this file takes a minute. */
const RUN_MS = 50_000;
const CLI = join(__dirname, '..', 'dist', 'apps', 'cli', 'src', 'main.js');

describe('the command line beside a gateway that is restarted', () => {
  let stack: Stack;
  let port: string;
  let tail: ChildProcess | undefined;
  beforeAll(async () => {
    stack = await Stack.open({ tenants: { ana: ['bakery'] }, gateways: 0 });
    port = String(await freePort());
    await stack.startGateway({ PORT: port });
  });
  afterAll(async () => {
    tail?.kill();
    await stack?.close();
  });

  const environment = () => ({ PATH: process.env.PATH, JWT_SECRET, TOCSIN_URL: `http://127.0.0.1:${port}` });
  const run = (...args: string[]) =>
    new Promise<string[]>((resolve, reject) =>
      execFile(process.execPath, [CLI, ...args], { env: environment(), timeout: RUN_MS }, (error, stdout, stderr) =>
        error ? reject(new Error(`${error.message}\n${stderr}${stdout}`)) : resolve(stdout.split('\n').filter(Boolean)),
      ),
    );
  const publish = (id: string) => stack.amqp.publish('alert.high.oven', { id, title: id, tenant_id: 'bakery' });

  it('tail prints each entry once, in order; alerts acknowledges one, and tail shows that too', async () => {
    const following = spawn(
      process.execPath,
      [CLI, 'tail', '--user', 'ana', '--json', '--since', '0', '--count', '4'],
      {
        env: environment(),
        stdio: ['ignore', 'pipe', 'pipe'],
      },
    );
    tail = following;
    const closed = once(following, 'close');
    const lines = createInterface({ input: following.stdout })[Symbol.asyncIterator]();
    let said = '';
    following.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()));
    const next = async () => {
      const line = await within(LATE_MS, lines.next(), () => {
        throw new Error(`tail printed no further line within ${LATE_MS} ms. Its errors: ${said || 'none'}`);
      });
      const { alert_id, title, status } = JSON.parse(line.value as string) as Record<string, string>;
      return { alert_id: alert_id!, shown: `${title} ${status}` };
    };
    // The first entry is published when the stream has its position. It is counted among those that are held before.
    const opened = () => stack.gateway.metric('tocsin_sse_connections_opened_total', 'outcome="fresh"');
    await eventually(async () => expect(await opened()).toBe(1), 20_000);
    await publish('one');
    const { alert_id, shown } = await next();
    expect(shown).toBe('one firing');

    await stack.gateway.stop();
    await publish('while away');
    await stack.stored(2);
    stack.gateways.splice(0);
    await stack.startGateway({ PORT: port });
    expect((await next()).shown).toBe('while away firing');
    await publish('later');
    expect((await next()).shown).toBe('later firing');

    expect(await run('alerts', 'ack', alert_id, '--user', 'ana')).toEqual([
      expect.stringMatching(new RegExp(`^${alert_id}  \\S+  acknowledged  bakery  oven  one  \\(ana\\)$`)),
    ]);
    expect((await next()).shown).toBe('one acknowledged');
    const ended = within(LATE_MS, closed, () => `tail has not ended ${LATE_MS} ms after its last line: ${said}`);
    expect(await ended).toEqual([0, null]);
    const listed = await run('alerts', 'list', '--user', 'ana', '--status', 'firing');
    expect(listed.map((line) => line.split('  ').at(-1))).toEqual(['later', 'while away']);
  }, 120_000);

  it('bench measures each alert from here to the stream, and resolves them in the end', async () => {
    const args = ['bench', '--user', 'ana', '--tenant', 'bakery', '--count', '30', '--rate', '60'];
    const [line] = await run(...args, '--json');
    const { accepted_ms, arrived_ms, ...counts } = JSON.parse(line!) as Record<string, Record<string, number>>;
    expect(counts).toEqual({ published: 30, arrived: 30, missing: 0 });
    for (const times of [accepted_ms!, arrived_ms!]) {
      expect(Object.keys(times)).toEqual(['p50', 'p95', 'p99', 'longest']);
      expect(times.p50).toBeGreaterThan(0);
      expect(times.longest).toBeGreaterThanOrEqual(times.p50!);
    }
    const measured = (status: string) =>
      run('alerts', 'list', '--user', 'ana', '--service', 'tocsin-bench', '--status', status);
    await eventually(async () => expect(await measured('resolved')).toHaveLength(30), 20_000);
    expect(await measured('firing')).toEqual(['No alert.']);
    await expect(run(...args, '--tenant', 'elsewhere')).rejects.toThrow(/refuses the stream \(40[34]\)|no_tenant/);
  });

  it('the smoke test of compose ends with 0 when an alert comes through, and with 1 when no processor stores it', async () => {
    const { services } = parse(readFileSync(COMPOSE, 'utf8')) as { services: { smoke: { command: string[] } } };
    const [, , ...command] = services.smoke.command;
    const smoke = () => {
      const args = command.map((word) => word.replace('http://gateway:8000', `http://127.0.0.1:${port}`));
      return run(...args, '--user', 'ana', '--tenant', 'bakery');
    };
    expect((await smoke())[0]).toBe(`1 published over http://127.0.0.1:${port}, 1 arrived, 0 missing`);
    for (const processor of stack.processors.splice(0)) await processor.stop();
    await expect(smoke()).rejects.toMatchObject({ message: expect.stringContaining('1 missing') as string });
  });
});
