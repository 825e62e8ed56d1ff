import { mkdtempSync, rmSync } from 'node:fs';
import type { Duplex } from 'node:stream';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { aPlannedEvent, aTenant } from '@tocsin/contracts/testing';
import { type EmbeddedDatabase, openPglite } from '@tocsin/embedded';
import { Client } from 'pg';
import { clientConfig } from './connection';
import { Database } from './database';
import { PostgresEventLog } from './event-log.postgres';
import { migrate } from './migrate';
import { asOwner } from './testing';

// The embedded database is a PostgreSQL from 16 on, where the creator of a role is granted it with ADMIN alone. On 15,
// `migrate.int.spec.ts` tries an owner without privileges.

let directory: string;
let database: EmbeddedDatabase;

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'tocsin-roles-'));
  database = await openPglite(join(directory, 'postgres'));
}, 60_000);

afterAll(async () => {
  await database.close();
  rmSync(directory, { recursive: true, force: true });
});

const asSuperuser = { stream: () => database.stream() };

/** Connections whose session belongs to `owner`, as if that role had logged in: the database has one session in all. */
const connection = {
  stream: (): Duplex => {
    const stream = database.stream() as Duplex & { connect: () => Duplex };
    stream.connect = () => {
      const logIn = async () => {
        const client = new Client(clientConfig(asSuperuser, undefined));
        await client.connect();
        await client.query('set session authorization owner');
        await client.end();
      };
      logIn().then(
        () => stream.emit('connect'),
        (error: Error) => stream.destroy(error),
      );
      return stream;
    };
    return stream;
  },
};

it('an owner that is no superuser migrates where creating a role does not let its creator take it', async () => {
  await asOwner(asSuperuser, 'create role owner login createrole; grant create on database postgres to owner');
  expect(await asOwner(connection, 'select session_user::text as login')).toEqual([{ login: 'owner' }]);

  await migrate({ connection });
  expect((await migrate({ connection })).applied).toEqual([]);

  const processor = new Database({ connection, role: 'tocsin_processor', poolSize: 1 });
  try {
    const [stored] = await new PostgresEventLog(processor).append([aPlannedEvent({ tenant_id: aTenant() })]);
    expect(stored!.outcome).toBe('stored');
  } finally {
    await processor.close();
  }
}, 120_000);
