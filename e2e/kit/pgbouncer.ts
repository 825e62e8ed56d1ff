import { spawn, type ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from 'pg';
import { eventually } from '@tocsin/contracts/testing';
import { freePort } from './free-port';
import { pathOf } from './programs';

const PASSWORD = 'only-for-this-test';

/**
 * A real PgBouncer in transaction mode in front of one database, and the login roles of docs/pgbouncer.md. `close`
 * removes both.
 */
export class PgBouncer {
  private output = '';

  private constructor(
    readonly port: number,
    private readonly database: URL,
    private readonly roles: readonly string[],
    private readonly folder: string,
    private readonly child: ChildProcess,
  ) {
    for (const stream of [child.stdout!, child.stderr!])
      stream.on('data', (chunk: Buffer) => (this.output += chunk.toString()));
  }

  /**
   * `logins`: a name for each login role, with the statements that define it (`%` is replaced by its name). `poolSize`:
   * how many connections to the database each role has.
   */
  static async before(
    databaseUrl: string,
    logins: Record<string, readonly string[]>,
    poolSize: number,
  ): Promise<PgBouncer> {
    const database = new URL(databaseUrl);
    const suffix = randomBytes(4).toString('hex');
    const roles = Object.keys(logins).map((name) => `${name}_${suffix}`);
    const statements = Object.entries(logins).flatMap(([name, sql]) =>
      [`create role % login password '${PASSWORD}'`, ...sql].map((text) => text.replaceAll('%', `${name}_${suffix}`)),
    );
    await asOwner(databaseUrl, statements);

    const folder = mkdtempSync(join(tmpdir(), 'tocsin-pgbouncer-'));
    const port = await freePort();
    chmodSync(folder, 0o755);
    writeFileSync(join(folder, 'users.txt'), roles.map((role) => `"${role}" "${PASSWORD}"\n`).join(''));
    writeFileSync(join(folder, 'pgbouncer.ini'), configuration(database, port, folder, poolSize));
    // PgBouncer refuses to run as root
    const apart =
      process.getuid?.() === 0 ? ['setpriv', '--reuid=nobody', '--regid=nogroup', '--clear-groups', '--'] : [];
    const [program, ...args] = [...apart, pathOf('pgbouncer'), join(folder, 'pgbouncer.ini')];
    const child = spawn(program!, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    const started = new PgBouncer(port, database, roles, folder, child);
    await eventually(async () => {
      if (child.exitCode !== null) throw new Error(`PgBouncer ended: ${started.output}`);
      await started.query(Object.keys(logins)[0]!, 'select 1');
    });
    return started;
  }

  /** The address through PgBouncer for a login role. */
  url(login: string): string {
    const url = new URL(this.database);
    url.host = `127.0.0.1:${this.port}`;
    url.username = this.roles.find((role) => role.startsWith(`${login}_`))!;
    url.password = PASSWORD;
    return url.toString();
  }

  /** Runs statements one after the other on a client of its own. */
  async query<Row extends object>(login: string, ...statements: string[]): Promise<Row[]> {
    return asOwner<Row>(this.url(login), statements);
  }

  async close(): Promise<void> {
    const closed = once(this.child, 'close');
    this.child.kill('SIGKILL');
    await closed;
    rmSync(this.folder, { recursive: true, force: true });
    // roles belong to the server, and the database may be deleted before them
    const server = new URL(this.database);
    server.pathname = '/postgres';
    await asOwner(
      server.toString(),
      this.roles.map((role) => `drop role ${role}`),
    );
  }
}

const configuration = (
  { hostname, port: serverPort, pathname }: URL,
  port: number,
  folder: string,
  poolSize: number,
): string => `
[databases]
${pathname.slice(1)} = host=${hostname} port=${serverPort || 5432}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = ${port}
unix_socket_dir =
auth_type = scram-sha-256
auth_file = ${folder}/users.txt
pool_mode = transaction
default_pool_size = ${poolSize}
max_client_conn = 200
`;

async function asOwner<Row extends object>(url: string, statements: readonly string[]): Promise<Row[]> {
  const client = new Client({ connectionString: url, connectionTimeoutMillis: 5_000 });
  client.on('error', () => undefined);
  await client.connect();
  try {
    let rows: Row[] = [];
    for (const statement of statements) ({ rows } = await client.query<Row>(statement));
    return rows;
  } finally {
    await client.end();
  }
}
