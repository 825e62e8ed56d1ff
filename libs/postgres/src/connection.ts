import type { Duplex } from 'node:stream';
import type { Client, ClientBase, ClientConfig } from 'pg';
import { Unavailable } from '@tocsin/contracts';
import type { Role } from './roles';

/** Where the database is: an address, or a stream of the embedded one, which has a single session. */
export type DatabaseConnection = { url: string } | { stream: () => Duplex };

/** What a session is given before it is used. In milliseconds. */
export interface SessionLimits {
  /** After it the server cancels a statement; one second later the client gives the connection up. */
  statementTimeoutMs: number;
  lockTimeoutMs: number;
  idleInTransactionTimeoutMs: number;
}

export const SESSION_LIMITS: SessionLimits = { statementTimeoutMs: 5_000, lockTimeoutMs: 2_000, idleInTransactionTimeoutMs: 10_000 };

/**
 * How pg connects. The role stands in the startup packet: it fails closed when the role is missing, and survives RESET and
 * DISCARD. When the address names the role itself (behind PgBouncer, which passes no options on), nothing is added.
 */
export function clientConfig(connection: DatabaseConnection, role: Role | undefined): ClientConfig {
  if ('stream' in connection) return { stream: connection.stream, user: 'postgres', database: 'postgres', ssl: false };
  const url = new URL(connection.url);
  const options = url.searchParams.get('options') ?? '';
  url.searchParams.delete('options');
  const takeRole = role && decodeURIComponent(url.username) !== role ? `-c role=${role}` : '';
  return { connectionString: url.toString(), options: `${options} ${takeRole}`.trim() || undefined };
}

/** Sets a new session up (without JIT: what takes milliseconds is not worth compiling), and refuses one that row-level security would not bind. */
export async function prepareSession(client: Client, connection: DatabaseConnection, role: Role | undefined, limits: SessionLimits): Promise<void> {
  await retakeRole(client, connection, role);
  await client.query(
    `select set_config('timezone', 'UTC', false), set_config('datestyle', 'ISO', false), set_config('statement_timeout', $1, false),
            set_config('lock_timeout', $2, false), set_config('idle_in_transaction_session_timeout', $3, false), set_config('jit', 'off', false)`,
    [limits.statementTimeoutMs, limits.lockTimeoutMs, limits.idleInTransactionTimeoutMs].map(String),
  );
  if (role) await refusePrivileged(client);
}

/**
 * The embedded database logs everybody in as its superuser and reads no options, so the role is set by a statement, which
 * DISCARD and RESET undo. Therefore before each use, and not once a connection; elsewhere it does nothing.
 */
export async function retakeRole(client: ClientBase, connection: DatabaseConnection, role: Role | undefined): Promise<void> {
  if ('stream' in connection && role) await client.query(`set role ${client.escapeIdentifier(role)}`);
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
  if (fault) throw new PrivilegedRole(`This connection is refused: its role ${rows[0]!.role} ${fault}, so tenants would not be kept apart.`);
}

/** A connection whose role could see every tenant. It is no input's fault: nothing is decided until somebody has put it right. */
export class PrivilegedRole extends Unavailable {
  constructor(message: string) {
    super('postgres', message);
    this.name = 'PrivilegedRole';
  }
}
