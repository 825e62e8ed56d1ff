import { jetstreamManager } from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';
import { Redis } from 'ioredis';
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { appendFileSync, chownSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { Client } from 'pg';
import { eventually } from '@tocsin/contracts/testing';
import { freePort } from '../kit/free-port';
import { pathOf } from '../kit/programs';

const READY_TIMEOUT_MS = 20_000;

/** The pids of running servers. When Jest ends, none of them may remain. */
const alive = new Set<number>();
process.on('exit', () => {
  for (const pid of alive) process.kill(pid, 'SIGKILL');
});

/** A server of this test's own, which can be stopped without harm to other tests. It keeps its address. */
abstract class PrivateServer {
  protected readonly folder: string;
  private child: ChildProcess | undefined;
  private frozen = false;

  protected constructor(
    kind: string,
    protected readonly port: number,
  ) {
    this.folder = mkdtempSync(join(tmpdir(), `tocsin-${kind}-`));
  }

  abstract readonly url: string;
  protected abstract command(): { program: string; args: readonly string[]; uid?: number; gid?: number };
  protected abstract answers(): Promise<void>;
  /** The signal that ends the server without loss of data. */
  protected abstract readonly gentle: NodeJS.Signals;

  get pid(): number {
    if (!this.child?.pid) throw new Error('The server does not run.');
    return this.child.pid;
  }

  /** Starts the server, the first time or again, and resolves once it answers. */
  async start(): Promise<this> {
    const { program, args, uid, gid } = this.command();
    const child = spawn(program, [...args], { cwd: this.folder, stdio: ['ignore', 'ignore', 'pipe'], uid, gid });
    let said = '';
    child.stderr.on('data', (bytes: Buffer) => (said = (said + bytes.toString()).slice(-4_000)));
    child.once('error', (error) => (said += error.message));
    child.once('close', () => child.pid && alive.delete(child.pid));
    if (child.pid) alive.add(child.pid);
    this.child = child;
    await eventually(() => this.answers(), READY_TIMEOUT_MS).catch((error: unknown) => {
      throw new Error(`${program} did not start: ${String(error)}\n${said}`);
    });
    return this;
  }

  /** Stops the process without closing a connection: connections to it hang. */
  freeze(): void {
    process.kill(this.pid, 'SIGSTOP');
    this.frozen = true;
  }

  thaw(): void {
    process.kill(this.pid, 'SIGCONT');
    this.frozen = false;
  }

  /** Ends the server with its gentle signal. */
  stop(): Promise<void> {
    return this.end(this.gentle);
  }

  /** Kills the server, as a power cut would. */
  kill(): Promise<void> {
    return this.end('SIGKILL');
  }

  /** Ends the server and deletes its data. May be called twice. */
  async remove(): Promise<void> {
    if (this.frozen) this.thaw();
    await this.end('SIGKILL');
    rmSync(this.folder, { recursive: true, force: true });
  }

  private async end(signal: NodeJS.Signals): Promise<void> {
    const child = this.child;
    this.child = undefined;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const closed = new Promise((resolve) => child.once('close', resolve));
    child.kill(signal);
    await closed;
  }
}

/** A Redis of this test's own. It keeps nothing over a restart, unless it is started as a queue. */
export class PrivateRedis extends PrivateServer {
  protected readonly gentle = 'SIGTERM';

  private appendOnly = false;
  private settings: readonly string[] = [];

  static async start(): Promise<PrivateRedis> {
    return new PrivateRedis('redis', await freePort()).start();
  }

  /** Starts a server that answers a write once it is on disk (`appendfsync always`). */
  static async startAsQueue(): Promise<PrivateRedis> {
    const server = new PrivateRedis('redis', await freePort());
    server.appendOnly = true;
    return server.start();
  }

  /** Starts a node of a cluster, which owns no slot yet. It writes to the disk as a queue does. */
  static async startAsNode(settings: readonly string[]): Promise<PrivateRedis> {
    const server = new PrivateRedis('redis', await freePort());
    server.appendOnly = true;
    server.settings = ['--cluster-enabled', 'yes', '--cluster-port', String(await freePort()), ...settings];
    return server.start();
  }

  get url(): string {
    return `redis://127.0.0.1:${this.port}`;
  }

  protected command() {
    return {
      program: 'redis-server',
      args: [
        '--port',
        String(this.port),
        '--bind',
        '127.0.0.1',
        '--save',
        '',
        '--appendonly',
        this.appendOnly ? 'yes' : 'no',
        '--appendfsync',
        'always',
        '--dir',
        this.folder,
        ...this.settings,
      ],
    };
  }

  protected async answers(): Promise<void> {
    const client = new Redis(this.url, { lazyConnect: true, retryStrategy: () => null });
    client.on('error', () => undefined);
    try {
      await client.connect();
      await client.ping();
    } finally {
      client.disconnect();
    }
  }
}

/** A NATS with JetStream of this test's own. It keeps its streams over a restart. */
export class PrivateNats extends PrivateServer {
  protected readonly gentle = 'SIGTERM';

  private clustered: readonly string[] = [];

  static async start(): Promise<PrivateNats> {
    return new PrivateNats('nats', await freePort()).start();
  }

  /** Starts servers that replicate to each other. */
  static async startCluster(size: number): Promise<PrivateNats[]> {
    const ports = await Promise.all(Array.from({ length: size }, freePort));
    const routes = ports.map((port) => `nats://127.0.0.1:${port}`).join(',');
    const servers = await Promise.all(
      ports.map(async (port, i) => {
        const server = new PrivateNats('nats', await freePort());
        const listen = ['--cluster', `nats://127.0.0.1:${port}`, '--routes', routes];
        server.clustered = ['--server_name', `n${i + 1}`, '--cluster_name', 'tocsin', ...listen];
        return server;
      }),
    );
    // none of them answers before the others are there
    return Promise.all(servers.map((server) => server.start()));
  }

  get url(): string {
    return `nats://127.0.0.1:${this.port}`;
  }

  protected command() {
    return {
      program: pathOf('nats-server'),
      args: [
        '--addr',
        '127.0.0.1',
        '--port',
        String(this.port),
        '--jetstream',
        '--store_dir',
        this.folder,
        ...this.clustered,
      ],
    };
  }

  protected async answers(): Promise<void> {
    const client = await connect({ servers: `127.0.0.1:${this.port}`, timeout: 2_000, reconnect: false });
    try {
      await jetstreamManager(client, { timeout: 2_000 });
    } finally {
      await client.close();
    }
  }
}

/** A PostgreSQL of this test's own, in a folder of its own. Its writes do not wait for the disk. */
export class PrivatePostgres extends PrivateServer {
  protected readonly gentle = 'SIGINT'; // the server's fast shutdown
  /** Server settings in addition to those of every such server. */
  private settings: Readonly<Record<string, string | number>> = {};

  static async start(): Promise<PrivatePostgres> {
    return (await PrivatePostgres.made()).start();
  }

  /** Starts a server that logs its statements: for `statementsOf`. */
  static async startCounting(): Promise<PrivatePostgres> {
    const server = await PrivatePostgres.made();
    const file = { logging_collector: 'on', log_directory: server.folder, log_filename: 'statements.log' };
    server.settings = {
      ...file,
      log_statement: 'all',
      log_line_prefix: '%a|',
      log_rotation_age: 0,
      log_rotation_size: 0,
    };
    return server.start();
  }

  /** Starts a server that processes in the same network reach at this address of the machine too. */
  static async startAlsoAt(address: string): Promise<PrivatePostgres> {
    const server = await PrivatePostgres.made();
    appendFileSync(join(server.folder, 'data', 'pg_hba.conf'), 'host all all samenet trust\n');
    server.settings = { listen_addresses: `127.0.0.1,${address}` };
    return server.start();
  }

  private static async made(): Promise<PrivatePostgres> {
    const server = new PrivatePostgres('postgres', await freePort());
    server.make('initdb', ['-U', 'postgres', '-A', 'trust', '--no-sync', '-E', 'UTF8']);
    return server;
  }

  /**
   * Starts a standby that streams this server's log, and that answers reads. Without `synchronous` a commit does not
   * wait for it; with it, every commit of this server does from now on. `url` is where the standby reaches this server.
   */
  async startStandby({ synchronous = false, url = this.url } = {}): Promise<PrivatePostgres> {
    const standby = new PrivatePostgres('postgres', await freePort());
    const from = ['-h', '127.0.0.1', '-p', String(this.port), '-U', 'postgres'];
    standby.make('pg_basebackup', [...from, '--write-recovery-conf', '--checkpoint=fast', '--no-sync']);
    standby.settings = { primary_conninfo: `host=127.0.0.1 port=${new URL(url).port} user=postgres` };
    await standby.start();
    await this.run(`alter system set synchronous_standby_names = '${synchronous ? '*' : ''}'`);
    await this.run('select pg_reload_conf()');
    await eventually(async () => {
      const [sync] = await this.run<{ state: string }>(
        "select sync_state as state from pg_stat_replication where state = 'streaming'",
      );
      if (sync?.state !== (synchronous ? 'sync' : 'async')) throw new Error(`the standby is ${sync?.state}`);
    }, READY_TIMEOUT_MS);
    return standby;
  }

  /** Makes a standby the primary, and resolves when it takes writes. */
  async promote(): Promise<void> {
    await this.run('select pg_promote(true, 30)');
  }

  private async run<R extends object>(sql: string): Promise<R[]> {
    const client = new Client({ connectionString: this.url, connectionTimeoutMillis: 2_000, query_timeout: 40_000 });
    client.on('error', () => undefined);
    await client.connect();
    try {
      return (await client.query<R>(sql)).rows;
    } finally {
      await client.end();
    }
  }

  /**
   * Fills the folder of the data with one of PostgreSQL's programs. Nothing else runs in this process meanwhile, so the
   * program must not connect through a proxy of the test.
   */
  private make(program: string, args: readonly string[]): void {
    const { status, stderr } = spawnSync(postgresProgram(program), ['-D', join(this.folder, 'data'), ...args], {
      cwd: this.folder,
      encoding: 'utf8',
      timeout: READY_TIMEOUT_MS,
      env: { ...process.env, LC_ALL: 'C' },
      ...accountFor(this.folder),
    });
    if (status !== 0) throw new Error(`${program} failed:\n${stderr}`);
  }

  /** Every statement that an application has sent so far, including the begin and end of transactions. */
  statementsOf(applicationName: string): string[] {
    const lines = readFileSync(join(this.folder, 'statements.log'), 'utf8').split('\n');
    const start = `${applicationName}|LOG:  `;
    return lines.flatMap((line) =>
      line.startsWith(start) ? (/^(?:statement|execute [^:]*): (.*)/.exec(line.slice(start.length))?.[1] ?? []) : [],
    );
  }

  get url(): string {
    return `postgres://postgres@127.0.0.1:${this.port}/postgres`;
  }

  protected command() {
    const settings = {
      port: this.port,
      listen_addresses: '127.0.0.1',
      unix_socket_directories: '',
      fsync: 'off',
      max_connections: 100,
      ...this.settings,
    };
    const args = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
    return {
      program: postgresProgram('postgres'),
      args: ['-D', join(this.folder, 'data'), ...args],
      ...accountFor(this.folder),
    };
  }

  protected async answers(): Promise<void> {
    const client = new Client({ connectionString: this.url, connectionTimeoutMillis: 2_000 });
    client.on('error', () => undefined);
    await client.connect();
    await client.end();
  }
}

/** PostgreSQL refuses to run as root: then it runs as `postgres`, who becomes the owner of the folder. */
function accountFor(folder: string): { uid?: number; gid?: number } {
  if (process.getuid?.() !== 0) return {};
  const idOf = (flag: string) => Number(spawnSync('id', [flag, 'postgres'], { encoding: 'utf8' }).stdout);
  const account = { uid: idOf('-u'), gid: idOf('-g') };
  if (!account.uid) throw new Error('PostgreSQL does not run as root, and there is no user postgres to run it as.');
  chownSync(folder, account.uid, account.gid);
  return account;
}

/** Distributions keep the server's programs out of the PATH. */
function postgresProgram(name: string): string {
  const inPath = (process.env.PATH ?? '').split(delimiter).map((folder) => join(folder, name));
  const versions = existsSync('/usr/lib/postgresql')
    ? readdirSync('/usr/lib/postgresql').sort((a, b) => Number(b) - Number(a))
    : [];
  const found = [...versions.map((version) => `/usr/lib/postgresql/${version}/bin/${name}`), ...inPath].find(
    existsSync,
  );
  if (!found) throw new Error(`This test starts a PostgreSQL of its own: ${name} is not installed.`);
  return found;
}
