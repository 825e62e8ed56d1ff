import { connect } from 'amqplib';
import { execFile, spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import { eventually } from '@tocsin/contracts/testing';
import { freePort } from '../kit/free-port';

const run = promisify(execFile);

/** The start of an Erlang machine takes time on a busy machine. */
const READY_TIMEOUT_MS = 60_000;
const COMMAND_TIMEOUT_MS = 30_000;

/** The process groups that are alive. When Jest ends, none of them may remain. */
const alive = new Set<number>();
process.on('exit', () => {
  for (const group of alive) killGroup(group);
});

/**
 * A RabbitMQ of this test's own, with a port mapper of its own. It can be killed without harm to other tests, and keeps
 * its address.
 */
export class PrivateRabbit {
  private readonly folder = mkdtempSync(join(tmpdir(), 'tocsin-rabbitmq-'));
  private server: ChildProcess | undefined;
  private machineFlags = '';

  private constructor(
    private readonly ports: { amqp: number; distribution: number; mapper: number },
    private readonly mapper: ChildProcess,
  ) {}

  /**
   * Starts nodes that form one RabbitMQ. A node that sees less than half of the others pauses, as RabbitMQ advises for
   * three. A node that says nothing for `tickTimeS` counts as down. Each node runs on one core, since all of them share
   * the machine.
   */
  static async startCluster(size: number, tickTimeS: number): Promise<PrivateRabbit[]> {
    const { mapper, port } = await mapperOnFreePort();
    const nodes: PrivateRabbit[] = [];
    for (let i = 0; i < size; i += 1)
      nodes.push(new PrivateRabbit({ amqp: await freePort(), distribution: await freePort(), mapper: port }, mapper));
    const cookie = randomBytes(16).toString('hex');
    const peers = nodes.map(({ nodeName }, i) => `cluster_formation.classic_config.nodes.${i + 1} = ${nodeName}`);
    const machine = `+S 1:1 -kernel net_ticktime ${tickTimeS}`;
    const formation = [
      'cluster_formation.peer_discovery_backend = classic_config',
      ...peers,
      'cluster_partition_handling = pause_minority',
    ];
    try {
      // one after the other: nodes that are all new would wait for each other's lock
      for (const node of nodes) await node.prepare(cookie, `${formation.join('\n')}\n`, machine).start();
      return nodes;
    } catch (error) {
      await Promise.all(nodes.map((node) => node.remove()));
      throw error;
    }
  }

  static async start(): Promise<PrivateRabbit> {
    const { mapper, port } = await mapperOnFreePort();
    const rabbit = new PrivateRabbit({ amqp: await freePort(), distribution: await freePort(), mapper: port }, mapper);
    try {
      return await rabbit.prepare(randomBytes(16).toString('hex')).start();
    } catch (error) {
      await rabbit.remove();
      throw error;
    }
  }

  /** Writes the configuration; nodes of one cluster have the same cookie. */
  private prepare(cookie: string, more = '', machineFlags = ''): this {
    this.write('.erlang.cookie', cookie, 0o400);
    const own = `listeners.tcp.1 = 127.0.0.1:${this.ports.amqp}\ndisk_free_limit.absolute = 50MB\nlog.file.level = warning\n`;
    this.write('rabbitmq.conf', own + more);
    this.write('rabbitmq-env.conf', '');
    this.write('enabled_plugins', '[].\n');
    this.machineFlags = machineFlags;
    return this;
  }

  get url(): string {
    return `amqp://guest:guest@127.0.0.1:${this.ports.amqp}`;
  }

  /** Starts the server, the first time or again, and resolves once it answers. */
  async start(): Promise<this> {
    // the program is a script that waits for an Erlang machine: they form a group and end together
    const server = launched(
      spawn(serverProgram('rabbitmq-server'), {
        cwd: this.folder,
        env: this.environment,
        detached: true,
        stdio: ['ignore', 'pipe', 'pipe'],
      }),
    );
    let said = '';
    for (const output of [server.stdout, server.stderr])
      output.on('data', (bytes: Buffer) => (said = (said + bytes.toString()).slice(-4_000)));
    this.server = server;
    await eventually(async () => {
      if (server.exitCode !== null) throw new Error('it ended');
      await (await connect(this.url, { timeout: 2_000 })).close();
    }, READY_TIMEOUT_MS).catch((error: unknown) => {
      throw new Error(`RabbitMQ did not start: ${String(error)}\n${said}`);
    });
    return this;
  }

  /**
   * Writes the log of the database into its tables, so that every queue declared until now is there after a kill. The
   * server itself does so every few minutes. Waiting until the name of a queue was in the log's file did not suffice:
   * once the queue was missing after the next start.
   */
  writeDatabase(): Promise<unknown> {
    return this.control('eval', 'ok = mnesia:sync_log(), dumped = mnesia:dump_log().');
  }

  /** Kills the server, as a power cut would: unwritten data is lost, and clients are not told. */
  async kill(): Promise<void> {
    const { server } = this;
    this.server = undefined;
    if (server) await killed(server);
  }

  /** Stops the node without closing a connection: to clients and to the other nodes it is silent. */
  freeze(): void {
    process.kill(-this.server!.pid!, 'SIGSTOP');
  }

  thaw(): void {
    process.kill(-this.server!.pid!, 'SIGCONT');
  }

  /** The names of the nodes that this node sees running, its own among them. */
  async running(): Promise<string[]> {
    const said = await this.control('eval', '[io:format("~s~n", [N]) || N <- rabbit_nodes:all_running()].');
    return said.split('\n').filter((line) => line.includes('@'));
  }

  /** The nodes that keep a copy of a quorum queue, and the one that leads them. */
  async copiesOf(queue: string): Promise<{ leader: string; members: string[] } | undefined> {
    const said = await this.control('list_queues', 'name', 'leader', 'members', '--formatter', 'json');
    const queues = JSON.parse(said) as { name: string; leader: string; members: string[] }[];
    return queues.find(({ name }) => name === queue);
  }

  /** How many messages each queue holds, those that are delivered and not acknowledged among them. */
  async messages(): Promise<Record<string, number>> {
    const said = await this.control('list_queues', 'name', 'messages', '--formatter', 'json');
    const queues = JSON.parse(said) as { name: string; messages: number }[];
    return Object.fromEntries(queues.map(({ name, messages }) => [name, messages]));
  }

  /** Raises the memory alarm: the server reads nothing more from connections that have published. */
  raiseMemoryAlarm(): Promise<unknown> {
    return this.control('set_vm_memory_high_watermark', '0.00001');
  }

  clearMemoryAlarm(): Promise<unknown> {
    return this.control('set_vm_memory_high_watermark', '0.4');
  }

  /** Makes a user. `rights` are patterns of names: what it may configure, write and read; by default everything. */
  async addUser(name: string, password: string, rights: readonly string[] = ['.*', '.*', '.*']): Promise<string> {
    await this.control('add_user', name, password);
    await this.control('set_permissions', name, ...rights);
    return `amqp://${name}:${password}@127.0.0.1:${this.ports.amqp}`;
  }

  /** Takes a user away with its connections. */
  deleteUser(name: string): Promise<unknown> {
    return this.control('delete_user', name);
  }

  /** Ends every connection, as an operator does. */
  closeConnections(): Promise<unknown> {
    return this.control('close_all_connections', 'a fault test');
  }

  /** Ends the server and deletes its data. May be called twice. */
  async remove(): Promise<void> {
    await this.kill();
    await killed(this.mapper);
    rmSync(this.folder, { recursive: true, force: true });
  }

  private async control(...command: string[]): Promise<string> {
    const { stdout } = await run(serverProgram('rabbitmqctl'), ['-q', '-n', this.nodeName, ...command], {
      env: this.environment,
      timeout: COMMAND_TIMEOUT_MS,
    });
    return stdout;
  }

  get nodeName(): string {
    return `tocsin-${this.ports.amqp}@localhost`;
  }

  private get environment(): NodeJS.ProcessEnv {
    const { ports, folder } = this;
    return {
      PATH: process.env.PATH,
      LANG: 'C.UTF-8',
      HOME: folder,
      ERL_EPMD_PORT: String(ports.mapper),
      ERL_EPMD_ADDRESS: '127.0.0.1',
      RABBITMQ_NODENAME: this.nodeName,
      RABBITMQ_DIST_PORT: String(ports.distribution),
      RABBITMQ_CONF_ENV_FILE: join(folder, 'rabbitmq-env.conf'),
      RABBITMQ_CONFIG_FILE: join(folder, 'rabbitmq.conf'),
      RABBITMQ_ADVANCED_CONFIG_FILE: join(folder, 'none'),
      RABBITMQ_ENABLED_PLUGINS_FILE: join(folder, 'enabled_plugins'),
      RABBITMQ_MNESIA_BASE: join(folder, 'mnesia'),
      RABBITMQ_LOG_BASE: join(folder, 'log'),
      RABBITMQ_PID_FILE: join(folder, 'pid'),
      RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS: `-kernel inet_dist_use_interface {127,0,0,1} ${this.machineFlags}`,
    };
  }

  private write(name: string, text: string, mode = 0o644): void {
    writeFileSync(join(this.folder, name), text, { mode });
  }
}

/** A port mapper of the test's own: otherwise a server would start one that is never stopped. */
async function mapperOnFreePort(): Promise<{ mapper: ChildProcess; port: number }> {
  const port = await freePort();
  const args = ['-port', String(port), '-address', '127.0.0.1'];
  return { mapper: launched(spawn(erlangProgram('epmd'), args, { detached: true, stdio: 'ignore' })), port };
}

/** Remembers a started process as the first of its group. */
function launched<C extends ChildProcess>(child: C): C {
  const { pid } = child;
  child.once('error', () => undefined);
  if (!pid) return child;
  alive.add(pid);
  child.once('exit', () => alive.delete(pid));
  return child;
}

async function killed(child: ChildProcess): Promise<void> {
  if (!child.pid || child.exitCode !== null || child.signalCode !== null) return;
  const ended = new Promise((resolve) => child.once('exit', resolve));
  killGroup(child.pid);
  await ended;
}

function killGroup(first: number): void {
  try {
    process.kill(-first, 'SIGKILL');
  } catch {
    // the group has ended already
  }
}

/** The server's own programs: the wrappers that distributions put into the PATH change the user and the folders. */
function serverProgram(name: string): string {
  return found(name, ['/usr/lib/rabbitmq/bin', '/opt/rabbitmq/sbin', '/opt/homebrew/opt/rabbitmq/sbin']);
}

function erlangProgram(name: string): string {
  const versions = existsSync('/usr/lib/erlang')
    ? readdirSync('/usr/lib/erlang').filter((folder) => folder.startsWith('erts-'))
    : [];
  return found(
    name,
    versions.map((version) => `/usr/lib/erlang/${version}/bin`),
  );
}

function found(name: string, folders: readonly string[]): string {
  const path = [...folders, ...(process.env.PATH ?? '').split(delimiter)]
    .map((folder) => join(folder, name))
    .find(existsSync);
  if (!path || spawnSync('test', ['-x', path]).status !== 0)
    throw new Error(`This test starts a RabbitMQ of its own: ${name} is not installed.`);
  return path;
}
