import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { eventually } from '@tocsin/contracts/testing';
import { selfSigned } from './certificate';
import { freePort } from './free-port';
import { ask } from './http';
import { pathOf } from './programs';

const FILES = join(__dirname, '..', '..', 'infrastructure', 'proxies');

/** What a proxy of a test has in place of what its file names. */
interface Place {
  folder: string;
  port: number;
  /** `host:port` of two gateways, and the port on which both say whether they are ready. */
  gateways: readonly [string, string];
  adminPort: number;
}
export type Edit = readonly [said: string, instead: string];
interface Kind {
  file: string;
  args: (file: string, folder: string) => string[];
  edits: (place: Place) => Edit[];
}

const KINDS = {
  nginx: {
    file: 'nginx.conf',
    args: (file, folder) => ['-p', folder, '-c', file, '-g', 'daemon off; master_process off; pid nginx.pid;'],
    edits: ({ folder, port }) => [
      ['listen 443', `listen 127.0.0.1:${port}`],
      ['/var/log/nginx', folder],
      [
        'http {',
        `http { ${['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((one) => `${one}_temp_path ${one};`).join(' ')}`,
      ],
    ],
  },
  haproxy: {
    file: 'haproxy.cfg',
    args: (file) => ['-f', file],
    edits: ({ port, adminPort }) => [
      ['bind :443', `bind 127.0.0.1:${port}`],
      ['check port 9090', `check port ${adminPort}`],
      // as many as the files that a process may have open without privileges
      ['maxconn 100000', 'maxconn 4000'],
    ],
  },
  caddy: {
    file: 'Caddyfile',
    args: (file) => ['run', '--adapter', 'caddyfile', '--config', file],
    edits: ({ port, adminPort }) => [
      ['{\n\tlog {', '{\n\tadmin off\n\tauto_https disable_redirects\n\tlog {'],
      ['tocsin.example.com {', `localhost:${port} {\n\tbind 127.0.0.1`],
      ['health_port 9090', `health_port ${adminPort}`],
    ],
  },
} satisfies Record<string, Kind>;

export type ProxyName = keyof typeof KINDS;
export const PROXIES = Object.keys(KINDS) as ProxyName[];

interface ProxyOptions {
  gateways: readonly [string, string];
  adminPort?: number;
  /** Changes the file further. */
  edit?: (text: string) => string;
  /** Without TLS, where `edit` takes it away. */
  isPlain?: boolean;
}

/** Replaces what the file says, and fails where it does not say so any more. */
export function replaced(text: string, edits: readonly Edit[]): string {
  return edits.reduce((made, [said, instead]) => {
    if (!made.includes(said)) throw new Error(`The file of the proxy has no "${said}".`);
    return made.replaceAll(said, instead);
  }, text);
}

/**
 * A real proxy with the file that operators take, in a folder of its own. Its certificate is one that it made itself.
 */
export class Proxy {
  private output = '';

  private constructor(
    readonly url: string,
    /** The certificate that clients must trust. */
    readonly ca: string,
    private readonly folder: string,
    private readonly child: ChildProcess,
  ) {
    for (const stream of [child.stdout!, child.stderr!])
      stream.on('data', (chunk: Buffer) => (this.output += chunk.toString()));
  }

  /** Resolves once the proxy leads to a gateway. */
  static async start(name: ProxyName, { gateways, adminPort = 9090, edit, isPlain }: ProxyOptions): Promise<Proxy> {
    const folder = mkdtempSync(join(tmpdir(), `tocsin-${name}-`));
    const port = await freePort();
    const kind: Kind = KINDS[name];
    const { key, cert } = selfSigned(folder);
    const ca = readFileSync(cert, 'utf8');
    writeFileSync(join(folder, 'tls.pem'), readFileSync(key, 'utf8') + ca);
    const text = replaced(readFileSync(join(FILES, kind.file), 'utf8'), [
      ...kind.edits({ folder, port, gateways, adminPort }),
      ['/etc/tocsin', folder],
      ['gateway-1:8000', gateways[0]],
      ['gateway-2:8000', gateways[1]],
    ]);
    const file = join(folder, kind.file);
    writeFileSync(file, edit?.(text) ?? text);
    const environment = { PATH: process.env.PATH, HOME: folder, XDG_DATA_HOME: folder, XDG_CONFIG_HOME: folder };
    const child = spawn(pathOf(name), kind.args(file, folder), { stdio: ['ignore', 'pipe', 'pipe'], env: environment });
    const proxy = new Proxy(`${isPlain ? 'http://127.0.0.1' : 'https://localhost'}:${port}`, ca, folder, child);
    try {
      await eventually(async () => {
        if (child.exitCode !== null) throw new Error(`${name} ended: ${proxy.log}`);
        const { status } = await ask(proxy.url, '/api/nothing', { ca });
        if (status >= 500) throw new Error(`${name} answers ${status}: ${proxy.log}`);
      });
    } catch (error) {
      await proxy.close();
      throw error;
    }
    return proxy;
  }

  /** Where `ca` is, for another process. */
  get caFile(): string {
    return join(this.folder, 'tls.crt');
  }

  /** What it wrote to its output and to its log files. */
  get log(): string {
    const files = readdirSync(this.folder).filter((file) => file.endsWith('.log'));
    return this.output + files.map((file) => readFileSync(join(this.folder, file), 'utf8')).join('');
  }

  async close(): Promise<void> {
    if (this.child.exitCode === null && this.child.signalCode === null) {
      const closed = once(this.child, 'close');
      this.child.kill('SIGKILL');
      await closed;
    }
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** nginx without TLS in front of one gateway. */
export function plainNginx(gateway: string, edit = (text: string) => text): Promise<Proxy> {
  const { host } = new URL(gateway);
  const withoutTls = (text: string) => edit(replaced(text, [[' ssl http2;', ';']]));
  return Proxy.start('nginx', { gateways: [host, host], edit: withoutTls, isPlain: true });
}
