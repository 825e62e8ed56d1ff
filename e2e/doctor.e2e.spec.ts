import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer as createTlsServer } from 'node:https';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { tmpdir } from 'node:os';
import { selfSigned } from './kit/certificate';
import { freePort } from './kit/free-port';
import { describeWith } from './kit/programs';
import { plainNginx } from './kit/proxies';
import { Stack } from './kit/stack';
import { JWT_SECRET } from './kit/tokens';

const CLI = join(__dirname, '..', 'dist', 'apps', 'cli', 'src', 'main.js');
const PAGE = 'https://app.example.com';
/** The shortest that a gateway sends: each stream is watched for one and a half. */
const HEARTBEAT_MS = 1_000;

interface Line {
  check: string;
  status: string;
  findings: { finding: string; detail: string; remedy: string }[];
}

describeWith('nginx', 'tocsin doctor', () => {
  let stack: Stack;
  let folder: string;
  const open: { close(): Promise<unknown> }[] = [];
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'tocsin-doctor-'));
    stack = await Stack.open({
      tenants: { ana: ['bakery'] },
      gatewayEnvironment: { HEARTBEAT_MS: String(HEARTBEAT_MS), CORS_ORIGINS: PAGE },
    });
  });
  afterEach(() => Promise.all(open.splice(0).map((one) => one.close())));
  afterAll(async () => {
    await stack?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  const admins = () => [stack.gateway, ...stack.processors].flatMap(({ adminUrl }) => ['--admin', adminUrl]);

  /** Runs the doctor as an operator does. */
  async function examine(url: string, args: string[] = [], environment: NodeJS.ProcessEnv = {}) {
    const { RABBITMQ_URL, RABBITMQ_PREFIX } = stack.environment;
    const { code, stdout, stderr } = await new Promise<{ code: number; stdout: string; stderr: string }>((resolve) =>
      execFile(
        process.execPath,
        [CLI, 'doctor', '--json', '--url', url, '--user', 'ana', '--origin', PAGE, ...args],
        { cwd: folder, env: { PATH: process.env.PATH, JWT_SECRET, RABBITMQ_URL, RABBITMQ_PREFIX, ...environment } },
        (error, stdout, stderr) => resolve({ code: error ? Number(error.code) : 0, stdout, stderr }),
      ),
    );
    const lines = stdout
      .split('\n')
      .filter(Boolean)
      .map((line) => JSON.parse(line) as Line);
    const findings = lines.flatMap((line) => line.findings);
    return { code, stderr, lines, findings, names: findings.map(({ finding }) => finding) };
  }

  async function behind(edit: (configuration: string) => string): Promise<string> {
    const nginx = await plainNginx(stack.gateway.url, edit);
    open.push(nginx);
    return nginx.url;
  }
  const inLocation = (directives: string) => (configuration: string) =>
    configuration.replace('proxy_buffering off;', `proxy_buffering off; ${directives}`);

  async function listening(server: Server): Promise<number> {
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    open.push({
      close: () => {
        server.closeAllConnections();
        return new Promise((resolve) => server.close(resolve));
      },
    });
    return (server.address() as AddressInfo).port;
  }

  it('finds nothing on a sound deployment, with each check made', async () => {
    const { code, lines, findings } = await examine(await behind((same) => same), admins());
    expect({ code, findings }).toEqual({ code: 0, findings: [] });
    expect(lines.map(({ check, status }) => [check, status])).toEqual(
      ['transport', 'exposure', 'cors', 'stream', 'processes', 'queues'].map((check) => [check, 'ok']),
    );
  });

  it('finds by name what is planted in a proxy', async () => {
    const planted: Record<string, (configuration: string) => string> = {
      stream_buffered: (text) =>
        text.replace('proxy_buffering off;', 'proxy_buffering on; proxy_ignore_headers X-Accel-Buffering;'),
      timeout_below_heartbeat: (text) => text.replace('proxy_read_timeout 3600s;', 'proxy_read_timeout 500ms;'),
      position_lost: inLocation('proxy_set_header Last-Event-ID "";'),
      cors_duplicated: inLocation(`add_header Access-Control-Allow-Origin ${PAGE} always;`),
      stream_refused: inLocation('proxy_set_header Authorization "";'),
      admin_exposed: (text) =>
        text.replace('location /', `location /metrics { proxy_pass ${stack.gateway.adminUrl}; } location /`),
    };
    const found = await Promise.all(
      Object.entries(planted).map(async ([name, edit]) => {
        const { code, names } = await examine(await behind(edit));
        return { name, code, names };
      }),
    );
    expect(found).toEqual(Object.keys(planted).map((name) => ({ name, code: 1, names: [name] })));
  });

  it('finds a stream that is cut after its heartbeats: stream_cut', async () => {
    const port = await listening(
      createServer((request, response) => {
        void fetch(`${stack.gateway.url}${request.url}`, {
          headers: { ...(request.headers as Record<string, string>), connection: 'close' },
          method: request.method!,
        }).then(async (answer) => {
          response.writeHead(answer.status, Object.fromEntries(answer.headers));
          setTimeout(() => response.destroy(), 1.3 * HEARTBEAT_MS);
          for await (const chunk of answer.body ?? []) response.write(chunk);
          response.end();
        });
      }),
    );
    expect((await examine(`http://127.0.0.1:${port}`)).names).toEqual(['stream_cut']);
  });

  it('finds an origin that the gateway does not know: cors_refused', async () => {
    const { names } = await examine(stack.gateway.url, ['--origin', 'https://other.example.com']);
    expect(names).toEqual(['cors_refused']);
  });

  it('finds a user without a tenant: stream_refused, with the code', async () => {
    const { findings } = await examine(stack.gateway.url, ['--user', 'eve']);
    expect(findings).toEqual([
      expect.objectContaining({ finding: 'stream_refused', detail: expect.stringContaining('no_tenant') as string }),
    ]);
  });

  it('finds a clock that is 20 s ahead, by the stream and by the admin port: clock_skew', async () => {
    const shift = join(folder, 'shift.cjs');
    writeFileSync(
      shift,
      'const Real = Date; const now = Real.now; Real.now = () => now() + 20_000; globalThis.Date = class extends Real { constructor(...given) { if (given.length) super(...given); else super(Real.now()); } };',
    );
    const fast = await stack.startGateway({ NODE_OPTIONS: `--require ${shift}` });
    const { findings } = await examine(fast.url, ['--admin', fast.adminUrl]);
    expect(findings[0]).toMatchObject({
      finding: 'clock_skew',
      detail: expect.stringMatching(/^The clock of the gateway is (19|20|21) s ahead of this machine's\.$/) as string,
    });
  });

  it('finds no gateway at the address: unreachable, and process_unreachable', async () => {
    const nowhere = `http://127.0.0.1:${await freePort()}`;
    const { code, names } = await examine(nowhere, ['--admin', nowhere]);
    expect({ code, names: names.sort() }).toEqual({ code: 1, names: ['process_unreachable', 'unreachable'] });
  });

  it('finds another build: versions_apart, and a dependency that is down: dependency_down', async () => {
    const port = await listening(
      createServer((request, response) => {
        void fetch(`${stack.gateway.adminUrl}${request.url}`).then(async (answer) => {
          const text = await answer.text();
          response.end(
            request.url === '/metrics'
              ? text.replace('tocsin_build_info{version="', 'tocsin_build_info{version="9.')
              : text.replace('"redis":{"status":"up"', '"redis":{"status":"down"'),
          );
        });
      }),
    );
    const { names } = await examine(stack.gateway.url, [...admins(), '--admin', `http://127.0.0.1:${port}`]);
    expect(names).toEqual(['dependency_down', 'versions_apart']);
  });

  it('finds queues without a consumer, or none at all: queue_without_consumer, queue_missing', async () => {
    const { names } = await examine(stack.gateway.url, [], { RABBITMQ_PREFIX: `${stack.prefix}none.` });
    expect(new Set(names)).toEqual(new Set(['queue_missing']));
    const [processor] = stack.processors;
    await processor!.stop();
    const { findings } = await examine(stack.gateway.url);
    expect(new Set(findings.map(({ finding }) => finding))).toEqual(new Set(['queue_without_consumer']));
    expect(findings.some(({ detail }) => detail.includes(`${stack.prefix}alert-processor.urgent`))).toBe(true);
  });

  it('finds a certificate that is not trusted, and no HTTP/2; it sends no token there', async () => {
    const { key, cert } = selfSigned(folder);
    const asked: string[] = [];
    const port = await listening(
      createTlsServer({ key: readFileSync(key), cert: readFileSync(cert) }, (request, response) => {
        asked.push(request.headers.authorization ?? '');
        response.end();
      }) as unknown as Server,
    );
    const url = `https://localhost:${port}`;
    expect((await examine(url, [], { RABBITMQ_URL: '' })).names).toEqual([
      'certificate_untrusted',
      'certificate_expires',
      'http1_only',
    ]);
    expect(asked).toEqual([]);
    const trusting = await examine(url, [], { NODE_EXTRA_CA_CERTS: cert });
    expect(trusting.names).toEqual(expect.arrayContaining(['certificate_expires', 'http1_only', 'not_a_stream']));
  });
});
