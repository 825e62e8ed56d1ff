import type { Duplex } from 'node:stream';
import type { Client, ClientBase, ClientConfig } from 'pg';
import { Unavailable } from '@tocsin/contracts';
import type { Role } from './roles';

/**
 * Where the database is: an address, or a stream of the embedded database, which has a single session. `pooled`: the
 * address is that of a pooler (PgBouncer) that lends its connections for one transaction, so no session belongs to us.
 */
export type DatabaseConnection = { url: string; pooled?: boolean } | { stream: () => Duplex };

/** The limits that are set for a session before its first use, in milliseconds. */
export interface SessionLimits {
  /** After this time the server cancels a statement; one second later the client gives the connection up. */
  statementTimeoutMs: number;
  lockTimeoutMs: number;
  idleInTransactionTimeoutMs: number;
}

export const SESSION_LIMITS: SessionLimits = {
  statementTimeoutMs: 5_000,
  lockTimeoutMs: 2_000,
  idleInTransactionTimeoutMs: 10_000,
};

/**
 * How pg connects. The role is in the startup packet: when the role is missing, the connection fails, and the role
 * survives RESET and DISCARD. When the address names a role itself, nothing is added. PgBouncer passes no options on,
 * so behind it the address must name the role or a member of it.
 */
export function clientConfig(connection: DatabaseConnection, role: Role | undefined): ClientConfig {
  if ('stream' in connection) return { stream: connection.stream, user: 'postgres', database: 'postgres', ssl: false };
  const url = new URL(connection.url);
  const options = url.searchParams.get('options') ?? '';
  url.searchParams.delete('options');
  const takeRole = role && !connection.pooled && decodeURIComponent(url.username) !== role ? `-c role=${role}` : '';
  return { connectionString: url.toString(), options: `${options} ${takeRole}`.trim() || undefined };
}

/**
 * Prepares a new session, and refuses one that row-level security would not bind. JIT is off: it costs more than it
 * saves for statements of milliseconds.
 */
export async function prepareSession(
  client: Client,
  connection: DatabaseConnection,
  role: Role | undefined,
  limits: SessionLimits,
): Promise<void> {
  if ('url' in connection && connection.pooled) {
    await refuseUnprepared(client, role, limits);
    if (role) await refusePrivileged(client);
    return;
  }
  await retakeRole(client, connection, role);
  await client.query(
    `select set_config('timezone', 'UTC', false), set_config('datestyle', 'ISO', false), set_config('statement_timeout', $1, false),
            set_config('lock_timeout', $2, false), set_config('idle_in_transaction_session_timeout', $3, false), set_config('jit', 'off', false)`,
    [limits.statementTimeoutMs, limits.lockTimeoutMs, limits.idleInTransactionTimeoutMs].map(String),
  );
  if (role) await refusePrivileged(client);
}

/**
 * Sets the role of a connection to the embedded database. That database logs every client in as its superuser and reads
 * no options, so the role is set by a statement. DISCARD and RESET undo it, therefore this runs before each use and not
 * once for each connection. For other databases it does nothing.
 */
export async function retakeRole(
  client: ClientBase,
  connection: DatabaseConnection,
  role: Role | undefined,
): Promise<void> {
  if ('stream' in connection && role) await client.query(`set role ${client.escapeIdentifier(role)}`);
}

/**
 * Behind a pooler, a setting of the session could reach another client in the next moment. So the login role must bring
 * its settings along, and this checks that it does. Without a time limit, a statement would hold its connection after
 * its caller has gone.
 */
async function refuseUnprepared(
  client: Client,
  role: Role | undefined,
  { statementTimeoutMs }: SessionLimits,
): Promise<void> {
  const { rows } = await client.query<{
    login: string;
    statement_ms: number;
    lock_ms: number;
    idle_ms: number;
    zone: string;
    dates: string;
    is_member: boolean;
  }>(
    `select current_user as login, current_setting('TimeZone') as zone, current_setting('DateStyle') as dates,
            (select setting::int from pg_settings where name = 'statement_timeout') as statement_ms,
            (select setting::int from pg_settings where name = 'lock_timeout') as lock_ms,
            (select setting::int from pg_settings where name = 'idle_in_transaction_session_timeout') as idle_ms,
            pg_has_role(current_user, $1::name, 'usage') as is_member`,
    [role ?? null],
  );
  const { login, statement_ms, lock_ms, idle_ms, zone, dates, is_member } = rows[0]!;
  const faults = [
    ...(role && !is_member ? [`is no member of ${role}`] : []),
    ...(statement_ms === 0 || statement_ms > statementTimeoutMs
      ? [`has no statement_timeout of ${statementTimeoutMs} ms (DB_STATEMENT_TIMEOUT_MS) or less`]
      : []),
    ...(lock_ms === 0 ? ['has no lock_timeout'] : []),
    ...(idle_ms === 0 ? ['has no idle_in_transaction_session_timeout'] : []),
    ...(zone === 'UTC' && dates.startsWith('ISO')
      ? []
      : ['has another TimeZone than UTC or another DateStyle than ISO']),
  ];
  if (faults.length > 0)
    throw new Unavailable(
      'log',
      `This connection is refused: behind a pooler (DB_POOLER) the role ${login} brings its settings along, and it ${faults.join(', ')}. See docs/pgbouncer.md.`,
      { technology: 'postgres' },
    );
}

async function refusePrivileged(client: Client): Promise<void> {
  const { rows } = await client.query<{ role: string; fault: string | null }>(
    `select current_user as role, case
       when r.rolsuper then 'is a superuser'
       when r.rolbypassrls then 'bypasses row-level security'
       when exists (select from pg_class c where c.relnamespace = to_regnamespace('tocsin') and c.relkind in ('r', 'p')
                    and pg_has_role(r.oid, c.relowner, 'member')) then 'owns a table'
     end as fault
     from pg_roles r where r.rolname = current_user`,
  );
  const fault = rows[0]?.fault;
  if (fault)
    throw new PrivilegedRole(
      `This connection is refused: its role ${rows[0]!.role} ${fault}, so tenants would not be kept apart.`,
    );
}

/**
 * A connection whose role could see every tenant. It is not the fault of any input, so nothing is decided about
 * messages until an operator has corrected the role.
 */
class PrivilegedRole extends Unavailable {
  constructor(message: string) {
    super('log', message, { technology: 'postgres' });
    this.name = 'PrivilegedRole';
  }
}
