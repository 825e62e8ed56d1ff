import { isTenantId, type TenantId } from '@tocsin/contracts';
import { Database, migrationUrlOf, PostgresMemberships, PostgresTenantDirectory } from '@tocsin/postgres';
import { UsageError, type Command, type Values } from './command';
import { loadMigrateConfig, migrateSettings } from './config';
import { printable, type Terminal } from './terminal';

/** For how long a gateway keeps the memberships that it has read. */
const KNOWN_WITHIN = 'gateways know of it within 60 s';
const DEFAULT_ROLE = 'member';
/**
 * How long PostgreSQL may take for a connection, and for a statement, in milliseconds. The limits of the gateway are
 * for a request among many. A person at a terminal prefers a late answer of a busy machine to an error.
 */
const ANSWER_WITHIN_MS = 30_000;

const options = {
  user: { type: 'string', value: '<id>', about: 'The user, as user_id or sub of the tokens names them.' },
  name: {
    type: 'string',
    value: '<text>',
    about: 'For add: the name of the tenant that the user sees. Default: its id, or the name so far.',
  },
  role: {
    type: 'string',
    value: '<role>',
    about: `For add: viewer may only read; every other role may also act. Default: ${DEFAULT_ROLE}, or the role so far.`,
  },
  json: { type: 'boolean', about: 'Prints one JSON value a line.' },
} as const;

type Given = Values<typeof options>;

/** What the command line asks for, once it has been checked. */
type Task = (memberships: PostgresMemberships, directory: PostgresTenantDirectory) => Promise<Report>;

interface Report {
  exitCode: number;
  /** The lines for a person, each in columns. */
  lines: string[][];
  rows: object[];
}

export const tenants: Command<typeof options> = {
  name: 'tenants',
  purpose: 'edits which users may see which tenants, where there is no tenant service',
  about:
    'Reads and edits the table of memberships, which gateways use when neither TENANT_SERVICE_URL nor ' +
    'JWT_TENANTS_CLAIM is set. A tenant needs no other preparation, because its log begins with its ' +
    'first message. This needs the owner of the schema, as migrate does. It waits up to 30 s for PostgreSQL.',
  actions: {
    add: 'gives a user a tenant, or changes its name or the role',
    remove: 'takes a tenant from a user',
    list: 'the tenants of a user',
    members: 'the users of a tenant',
  },
  argument: 'tenant',
  options,
  examples: [
    'npm run tenants -- add north-bakery --user ana@example.test --role owner --name "North Bakery"',
    'npm run tenants -- list --user ana@example.test',
    'npm run tenants -- members north-bakery',
    'npm run tenants -- remove north-bakery --user ana@example.test',
  ],
  settings: migrateSettings,

  async run({ values, action, argument }, terminal) {
    const task = plan(action, argument, values);
    const config = loadMigrateConfig(terminal.environment);
    const database = new Database({
      connection: { url: migrationUrlOf(config)! },
      role: 'tocsin_standalone',
      poolSize: 1,
      connectTimeoutMs: ANSWER_WITHIN_MS,
      statementTimeoutMs: ANSWER_WITHIN_MS,
      lockTimeoutMs: ANSWER_WITHIN_MS,
      applicationName: 'tocsin tenants',
    });
    try {
      const report = await task(
        new PostgresMemberships(database),
        new PostgresTenantDirectory(database, ANSWER_WITHIN_MS),
      );
      return say(report, values.json, terminal);
    } finally {
      await database.close();
    }
  },
};

/** The work that this command line asks for. Throws `UsageError` before the database is opened. */
function plan(action: string, argument: string | undefined, { user, name, role }: Given): Task {
  const changes = action === 'add';
  if (!changes && (name ?? role) !== undefined) throw new UsageError('--name and --role are for add.');
  if (action === 'list') {
    if (argument !== undefined) throw new UsageError('list takes a --user and no tenant: members takes one.');
    return list(userOf(action, user));
  }
  const tenant = tenantOf(action, argument);
  if (action === 'members') {
    if (user !== undefined) throw new UsageError('members takes no --user: list does.');
    return members(tenant);
  }
  const user_id = userOf(action, user);
  return changes ? add({ user_id, tenant_id: tenant, name, role }) : remove({ user_id, tenant_id: tenant });
}

const list =
  (user_id: string): Task =>
  async (_, directory) => {
    const rows = await directory.tenantsOf({ user_id });
    const lines = rows.map(({ tenant_id, name, role }) => [tenant_id, role, name]);
    return { exitCode: 0, lines: lines.length > 0 ? lines : [[`${user_id} has no tenant.`]], rows: [...rows] };
  };

const members =
  (tenant: TenantId): Task =>
  async (memberships) => {
    const rows = await memberships.of(tenant);
    const lines = rows.map(({ user_id, role }) => [user_id, role]);
    return { exitCode: 0, lines: lines.length > 0 ? lines : [[`${tenant} has no members.`]], rows };
  };

interface Addition {
  user_id: string;
  tenant_id: TenantId;
  name: string | undefined;
  role: string | undefined;
}

const add =
  ({ user_id, tenant_id, name, role }: Addition): Task =>
  async (memberships) => {
    const before = (await memberships.of(tenant_id)).find((member) => member.user_id === user_id);
    const member = {
      user_id,
      tenant_id,
      name: name ?? before?.name ?? tenant_id,
      role: role ?? before?.role ?? DEFAULT_ROLE,
    };
    await memberships.put(member);
    const line = `${user_id} is ${member.role} of ${tenant_id} (${member.name}); ${KNOWN_WITHIN}.`;
    return { exitCode: 0, lines: [[line]], rows: [member] };
  };

const remove =
  (member: { user_id: string; tenant_id: TenantId }): Task =>
  async (memberships) => {
    const removed = await memberships.remove(member);
    const line = removed
      ? `${member.user_id} no longer sees ${member.tenant_id}; ${KNOWN_WITHIN}, and then end the streams of it.`
      : `${member.user_id} is no member of ${member.tenant_id}.`;
    return { exitCode: removed ? 0 : 1, lines: [[line]], rows: [{ ...member, removed }] };
  };

function say({ exitCode, lines, rows }: Report, json: boolean | undefined, terminal: Terminal): number {
  const out = json ? rows.map((row) => JSON.stringify(row)) : lines.map((columns) => columns.map(printable).join('  '));
  for (const line of out) {
    if (exitCode === 0) terminal.out(line);
    else terminal.err(line);
  }
  return exitCode;
}

function tenantOf(action: string, text: string | undefined): TenantId {
  if (text === undefined) throw new UsageError(`${action} needs a tenant, such as north-bakery.`);
  if (!isTenantId(text)) throw new UsageError('A tenant is an id of 1 to 64 of A-Z a-z 0-9 . _ -.');
  return text;
}

function userOf(action: string, text: string | undefined): string {
  if (text === undefined) throw new UsageError(`${action} needs a --user, such as ana@example.test.`);
  if (text.trim() === '' || text.length > 255) throw new UsageError('--user is an id of 1 to 255 characters.');
  return text;
}
