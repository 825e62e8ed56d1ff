import 'reflect-metadata';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseAlertMessage } from '@tocsin/messages';
import { outboxTable } from '@tocsin/publisher';
import { Client } from 'pg';
import { freshDatabase, type FreshDatabase } from './testing';

const file = readFileSync(join(__dirname, '../../../infrastructure/postgres/alert-trigger.sql'), 'utf8');

/** The table of an application, of whose columns the trigger names some; `note` is a column that is not there. */
const APPLICATION = `
  create table stock_warning (
    warning_no int primary key, shop_id int, level text, text text, at timestamptz, details jsonb);
  create trigger becomes_alert after insert on stock_warning for each row execute function alert_from_row(
    'tenant_id', 'shop_id', 'service', '=inventory', 'severity', 'level', 'id', 'warning_no', 'title', 'text',
    'occurred_at', 'at', 'metadata', 'details', 'message', 'note');
  create role warehouse login;
  grant insert on stock_warning, alert_outbox to warehouse;`;

describe('infrastructure/postgres/alert-trigger.sql', () => {
  let database: FreshDatabase;
  let application: Client;
  let warnings: (string | undefined)[];
  beforeEach(async () => {
    database = await freshDatabase({ migrated: false });
    application = new Client({ connectionString: database.url });
    await application.connect();
    warnings = [];
    application.on('notice', ({ message }) => warnings.push(message));
    await application.query(outboxTable());
    for (let i = 0; i < 2; i += 1) await application.query(file);
    await application.query(APPLICATION.replaceAll('warehouse', roleOf(database)));
  });
  afterEach(async () => {
    await application.query(`drop owned by ${roleOf(database)}; drop role ${roleOf(database)}`);
    await application.end();
    await database.drop();
  });

  const outbox = async () =>
    (
      await application.query<{ id: string; alert: string }>(
        'select id, alert::text from alert_outbox order by outbox_id',
      )
    ).rows;

  it('makes a row, written by a role that may only insert, an alert that the parser takes', async () => {
    await application.query(`set role ${roleOf(database)}`);
    await application.query(
      `insert into stock_warning values (17, 4, 'high', 'Flour is low', '2026-01-02T03:04:05Z', '{"left": 3}')`,
    );
    await application.query('reset role');

    const [row, ...others] = await outbox();
    expect(others).toEqual([]);
    expect(row!.id).toBe('17');
    expect(parseAlertMessage(Buffer.from(row!.alert))).toMatchObject({
      ok: true,
      message: {
        tenant_id: '4',
        service: 'inventory',
        severity: 'high',
        id: '17',
        title: 'Flour is low',
        metadata: { left: 3 },
      },
    });
    expect(warnings.join()).toContain('table stock_warning has no column note');
  });

  it('makes none of a row whose transaction is rolled back', async () => {
    await application.query(`begin; insert into stock_warning values (1, 4, 'low', 'a'); rollback`);
    expect(await outbox()).toEqual([]);
  });

  it('never refuses a row for what it holds: the outbox keeps what cannot be published', async () => {
    await application.query(`insert into stock_warning values (2, null, 'low', 'no tenant')`);
    expect(await application.query('select 1 from stock_warning')).toMatchObject({ rowCount: 1 });
    const [row] = await outbox();
    expect(parseAlertMessage(Buffer.from(row!.alert)).ok).toBe(false);
  });
});

/** A role of this test alone: roles belong to the server, and not to a database. */
const roleOf = ({ url }: FreshDatabase): string => `warehouse_${new URL(url).pathname.slice(1)}`;
