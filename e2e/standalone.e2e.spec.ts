import { spawn } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { eventually } from '@tocsin/contracts/testing';
import { ask } from './kit/http';
import { violationsOf, type Published, type StoredRow } from './kit/ledger';
import { Processes, type AppProcess } from './kit/processes';
import { SeededRandom } from './kit/seeded-random';
import { SseStream, type Frame } from './kit/sse-client';

const TENANTS = ['north-bakery', 'harbour-cafe'];
const BEFORE_ALL = '2020-01-01T00:00:00Z';

// Creating a database takes seconds, and many on a busy machine.
jest.setTimeout(120_000);

describe('the standalone', () => {
  let processes: Processes;
  let folder: string;
  /** A database that was created but never used: each test begins with a copy. */
  let made: string;
  let dataDir: string;
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'tocsin-standalone-'));
    made = join(folder, 'made');
    const first = new Processes();
    await first.start('standalone', { PORT: '0', ADMIN_PORT: '0', DATA_DIR: made, LOG_LEVEL: 'info' });
    await first.close();
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  beforeEach(() => {
    processes = new Processes();
    dataDir = mkdtempSync(join(folder, 'data-'));
    cpSync(made, dataDir, { recursive: true });
  });
  afterEach(() => processes.close());

  const environment = (more: Record<string, string> = {}) => ({
    PORT: '0',
    ADMIN_PORT: '0',
    DATA_DIR: dataDir,
    LOG_LEVEL: 'info',
    DRAIN_MS: '300',
    ...more,
  });
  const start = (more?: Record<string, string>) => processes.start('standalone', environment(more));
  /** A line that it printed for people to paste. */
  const printed = async (standalone: AppProcess, name: string): Promise<string> =>
    eventually(
      () =>
        new RegExp(`^ *${name} +(.+)$`, 'm').exec(standalone.stdout)?.[1] ??
        Promise.reject(new Error(`no line "${name}" in:\n${standalone.stdout}`)),
    );
  const printedToken = async (standalone: AppProcess): Promise<string> =>
    /token=([\w.-]+)/.exec(await printed(standalone, 'Watch'))![1]!;
  const watch = async (
    standalone: AppProcess,
    token: string,
    query: Record<string, string> = {},
  ): Promise<SseStream> => {
    const stream = await SseStream.open(`${standalone.url}/api/events`, {
      headers: { Authorization: `Bearer ${token}` },
      query,
    });
    await stream.frame('connection');
    return stream;
  };
  const publish = (standalone: AppProcess, token: string, messages: unknown) =>
    ask(standalone.url, '/api/v1/events', {
      method: 'POST',
      headers: { Authorization: `Bearer ${token}`, 'Content-Type': 'application/json' },
      body: JSON.stringify(messages),
    });

  it('killed in the middle of a publish run, has everything that it answered 202 for, once', async () => {
    const first = await start();
    const token = await printedToken(first);
    const published: Published[] = [];
    const random = new SeededRandom(8);
    const producers = Array.from({ length: 4 }, (_, producer) =>
      publishUntilItFails(first, token, published, producer, random),
    );
    await eventually(() => expect(published.filter(({ confirmed }) => confirmed).length).toBeGreaterThan(400), 20_000);
    await first.kill();
    await Promise.all(producers);
    const confirmed = published.filter((one) => one.confirmed).length;
    expect(published.length).toBeGreaterThan(confirmed);

    const second = await start();
    const stream = await watch(second, token, { since: BEFORE_ALL });
    await eventually(() => expect(stream.entries.length).toBeGreaterThanOrEqual(confirmed), 30_000);
    await comesToRest(stream);
    const rows = stream.entries.map(rowOf);
    const transcript = { client: 'ana', tenants: TENANTS, frames: stream.frames, connectedAtTheEnd: true };
    expect(
      violationsOf({
        published,
        rows,
        transcripts: [transcript],
        logs: [first.output, second.output].map(withoutCommands),
        secrets: [token],
      }),
    ).toEqual([]);
    expect(stream.faults).toEqual([]);
    stream.close();
  });

  it('keeps its data and its token over a restart, and begins anew when it is asked to', async () => {
    const first = await start();
    const token = await printedToken(first);
    const before = await watch(first, token);
    await publish(first, token, { id: 'kept', tenant_id: 'north-bakery', service: 'inventory', severity: 'low' });
    const { id: cursor } = await before.entry('kept');
    expect(await first.stop()).toEqual({ code: 0, signal: null });

    const second = await start();
    const resumed = await SseStream.open(`${second.url}/api/events`, {
      headers: { Authorization: `Bearer ${token}` },
      cursor: cursor!,
    });
    expect(JSON.parse((await resumed.frame('connection')).data)).toMatchObject({ verdict: 'resumed' });
    await publish(second, token, { id: 'kept', tenant_id: 'north-bakery', service: 'inventory', severity: 'low' });
    await publish(second, token, { id: 'new', tenant_id: 'north-bakery', service: 'inventory', severity: 'low' });
    expect(JSON.parse((await resumed.entry('new')).data)).toMatchObject({ seq: 2 });
    expect(resumed.entries).toHaveLength(1);
    resumed.close();
    await second.stop();

    const anew = await processes.launch('standalone', environment(), ['--reset']).ready();
    const refused = await ask(anew.url, '/api/events', { headers: { Authorization: `Bearer ${token}` } });
    expect({ status: refused.status, code: refused.json.code }).toEqual({ status: 401, code: 'invalid_token' });
    const empty = await watch(anew, await printedToken(anew), { since: BEFORE_ALL });
    await publish(anew, await printedToken(anew), {
      id: 'first again',
      tenant_id: 'north-bakery',
      service: 'inventory',
      severity: 'low',
    });
    expect(JSON.parse((await empty.entry('first again')).data)).toMatchObject({ seq: 1 });
    empty.close();
  });

  it('prints a command that watches where no address may hold a token', async () => {
    const standalone = await start({ STREAM_QUERY_TOKEN: 'deny' });
    const curl = spawn('sh', ['-c', `exec ${await printed(standalone, 'Watch')}`], {
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    let text = '';
    curl.stdout.on('data', (bytes: Buffer) => (text += bytes.toString()));
    try {
      await eventually(() => expect(text).toContain('event: connection'), 20_000);
    } finally {
      curl.kill();
    }
  });

  it('prints a link with tenants in it where the token alone says which they are', async () => {
    const standalone = await start({ JWT_TENANTS_CLAIM: 'tenants', DATA_DIR: join(folder, 'by-claim') });
    const Authorization = `Bearer ${await printedToken(standalone)}`;
    const answer = await fetch(`${standalone.url}/api/v1/tenants`, { headers: { Authorization } });
    expect(answer.status).toBe(200);
    expect(await answer.text()).toMatch(/"harbour-cafe".*"north-bakery"/);
    await standalone.stop();
  });

  describe('that runs', () => {
    let standalone: AppProcess;
    let owner: Processes;
    let ownData: string;
    beforeAll(async () => {
      owner = new Processes();
      ownData = mkdtempSync(join(folder, 'data-'));
      cpSync(made, ownData, { recursive: true });
      // a shell that is set up for the other apps
      const others = { QUEUE: 'nats', BUS: 'redis', NATS_URL: 'nats://u:canary@127.0.0.1:1' };
      standalone = await owner.start('standalone', environment({ DATA_DIR: ownData, ...others }));
    });
    afterAll(() => owner.close());

    it('prints what to paste: curl shows connection, and then the alert that the printed token publishes', async () => {
      const curl = await printed(standalone, 'Watch');
      expect(curl).toMatch(/^curl -N "http:\/\/localhost:\d+\/api\/events\?token=eyJ[\w.-]+"$/);
      const running = spawn('sh', ['-c', `exec ${curl.replace('curl -N', 'curl -sN --max-time 30')}`], {
        stdio: ['ignore', 'pipe', 'ignore'],
      });
      let text = '';
      running.stdout.on('data', (bytes: Buffer) => (text += bytes.toString()));
      await eventually(() => expect(text).toContain('event: connection'));

      const token = await printedToken(standalone);
      expect(
        (
          await publish(standalone, token, {
            id: 'first',
            tenant_id: 'north-bakery',
            service: 'inventory',
            severity: 'urgent',
            title: 'Flour is low',
          })
        ).status,
      ).toBe(202);

      await eventually(() => expect(text).toMatch(/event: inventory_alert\ndata: .*\nid: .*\n\n/));
      running.kill();
      expect(text.indexOf('event: connection')).toBeGreaterThanOrEqual(0);
      expect(text.indexOf('event: inventory_alert')).toBeGreaterThan(text.indexOf('event: connection'));
      expect(text).toContain('"title":"Flour is low"');
      for (const line of ['Health', 'Publish', 'Demo']) await printed(standalone, line);
      expect(standalone.stdout).toMatch(/\d+ enabled, \d+ warnings?/);
      expect(standalone.stdout).toMatch(/^ *! embedded/m);
      expect(standalone.stdout).toMatch(/^ *! QUEUE, BUS, NATS_URL: without effect here/m);
      expect(await standalone.metric('tocsin_bus_up')).toBe(1);
    });

    it('does not share its data: a second process is refused in one sentence, and the first goes on', async () => {
      const { code, stderr, stdout } = await processes.run(
        'standalone',
        environment({ DATA_DIR: ownData }),
        [],
        60_000,
      );
      expect(code).toBe(78);
      expect(stderr.trim().split('\n')).toEqual([
        expect.stringMatching(new RegExp(`^DATA_DIR is in use .*pid ${standalone.pid}`)),
      ]);
      expect(stdout).not.toContain('Watch');
      expect((await fetch(`${standalone.adminUrl}/readyz`)).status).toBe(200);
    });

    it('asked to begin anew by mistake, in a folder that another has, leaves everything where it is', async () => {
      const { code, stderr } = await processes.run(
        'standalone',
        environment({ DATA_DIR: ownData }),
        ['--reset'],
        60_000,
      );
      expect({ code, stderr }).toEqual({ code: 78, stderr: expect.stringMatching(/^DATA_DIR is in use/) as string });
      const token = await printedToken(standalone);
      const published = await publish(standalone, token, {
        tenant_id: 'harbour-cafe',
        service: 'ovens',
        severity: 'low',
      });
      expect(published.status).toBe(202);
      expect(readFileSync(join(ownData, 'jwt-secret'), 'utf8')).toBe(readFileSync(join(made, 'jwt-secret'), 'utf8'));
      expect(existsSync(join(ownData, 'database', 'PG_VERSION'))).toBe(true);
    });

    it('says who has its ports, both at once, and what to type instead', async () => {
      const { port, adminPort, pid } = standalone;
      const one = await processes.run('standalone', environment({ PORT: String(port) }), [], 60_000);
      expect({ code: one.code, stderr: one.stderr }).toEqual({
        code: 78,
        stderr: expect.stringMatching(
          new RegExp(`^Port ${port} is in use( \\(pid ${pid}\\))?\\. PORT=\\d+ npm start\n$`),
        ) as string,
      });
      const both = await processes.run(
        'standalone',
        environment({ PORT: String(port), ADMIN_PORT: String(adminPort) }),
        [],
        60_000,
      );
      expect(both.stderr).toMatch(
        new RegExp(
          `^Port ${port} is in use.*, and port ${adminPort} is in use.*\\. PORT=\\d+ ADMIN_PORT=\\d+ npm start\n$`,
        ),
      );
    });

    it('prints commands that a second terminal can use: with the port and the folder that it was started with', async () => {
      expect(await printed(standalone, 'Publish')).toBe(
        `PORT=${standalone.port} DATA_DIR=${ownData} npm run publish -- --service inventory --severity urgent "Flour is low"`,
      );
    });

    it('refuses what the distributed one refuses', async () => {
      const answer = await ask(standalone.url, '/api/events?token=test');
      expect({ status: answer.status, code: answer.json.code, type: answer.headers['content-type'] }).toEqual({
        status: 401,
        code: 'invalid_token',
        type: expect.stringContaining('application/problem+json') as string,
      });
      const token = await printedToken(standalone);
      const bad = await publish(standalone, token, { tenant_id: 'north-bakery', service: 'inventory', sevrity: 'low' });
      expect({ status: bad.status, code: bad.json.code }).toEqual({ status: 422, code: 'unknown_field' });
      const foreign = await ask(standalone.url, '/api/events?tenant=other', {
        headers: { Authorization: `Bearer ${token}` },
      });
      expect({ status: foreign.status, code: foreign.json.code }).toEqual({ status: 403, code: 'tenant_forbidden' });
    });
  });

  /** Publishes batch after batch until the server is gone. Messages in progress are then unconfirmed. */
  async function publishUntilItFails(
    standalone: AppProcess,
    token: string,
    published: Published[],
    producer: number,
    random: SeededRandom,
  ): Promise<void> {
    for (let i = 0; ; i += 1) {
      const batch = Array.from({ length: random.between(1, 20) }, (_, j) => ({
        tenant_id: random.of(TENANTS),
        service: 'inventory',
        severity: 'low',
        id: `p${producer}-${i}-${j}`,
      }));
      const records = batch.map(({ tenant_id, service, id }) => ({ tenant_id, service, id, confirmed: false }));
      published.push(...records);
      const answer = await publish(standalone, token, batch).catch(() => undefined);
      if (!answer) return;
      expect(answer.status).toBe(202);
      for (const record of records) record.confirmed = true;
    }
  }
});

/**
 * Resolves when nothing has come for a second: messages in progress when the process was killed may or may not arrive.
 */
async function comesToRest(stream: SseStream): Promise<void> {
  for (let seen = -1; seen !== stream.entries.length;) {
    seen = stream.entries.length;
    await sleep(1_000);
  }
}

/** An entry as the event log must have it, read from the stream: only one process can open the embedded database. */
function rowOf({ data, id }: Frame): StoredRow {
  const { tenant_id, seq, service, event_id } = JSON.parse(data) as {
    tenant_id: string;
    seq: number;
    service: string;
    event_id: string;
  };
  const position = id!.split(';').find((component) => component.startsWith(`${tenant_id}=`))!;
  const [epoch = '', , fp = ''] = position.slice(tenant_id.length + 1).split('-');
  return { tenant_id, seq, epoch, fp, service, event_id };
}

/** The output without the one line that is meant to contain the token. */
const withoutCommands = (output: string): string => output.replace(/^ *(Open|Watch) .*$/gm, '');
