// Runs as a test in the copy of the tree that has the field: from a producer's bytes to all that shows an alert.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { renderData, type Entry, type TenantId } from '@tocsin/contracts';
import type { AttemptedAct } from '@tocsin/contracts/ports';
import { openPglite, type EmbeddedDatabase } from '@tocsin/embedded';
import { parseAlertMessage } from '@tocsin/messages';
import { Database, migrate, PostgresAlertActs, PostgresAlertQueries, PostgresEventLog } from '@tocsin/postgres';
import { alertAfter } from '../../libs/react-client/src/alerts/alert-from-entry';

const folder = mkdtempSync(join(tmpdir(), 'tocsin-field-'));
const tenant = 'bakery' as TenantId;
const runbookOf = (shown: object | undefined): unknown => (shown as { runbook?: unknown } | undefined)?.runbook;

let embedded: EmbeddedDatabase;
let database: Database;
let log: PostgresEventLog;
beforeAll(async () => {
  embedded = await openPglite(join(folder, 'database'));
  const connection = { stream: () => embedded.stream() };
  await migrate({ connection });
  database = new Database({ connection, role: 'tocsin_standalone', poolSize: 1 });
  // each repeat is folded, for as long as it takes to see it
  log = new PostgresEventLog(database, { after: 0, windowMs: 100 });
}, 60_000);
afterAll(async () => {
  await database?.close();
  await embedded?.close();
  rmSync(folder, { recursive: true, force: true });
});

let sent = 0;
/** Sends a message as a producer does; gives its entry, if it has become one. */
async function say(second: number, more: object = {}): Promise<Entry | undefined> {
  const id = `message-${(sent += 1)}`;
  const occurred_at = `2026-01-02T03:04:${String(second).padStart(2, '0')}.000Z`;
  const body = {
    id,
    tenant_id: tenant,
    service: 'inventory',
    severity: 'high',
    title: 'Oven 1 is cold',
    occurred_at,
    dedup_key: 'oven-1',
  };
  const parsed = parseAlertMessage(Buffer.from(JSON.stringify({ ...body, ...more })), {}, 'strict');
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.errors));
  const [result] = await log.append([
    { message: parsed.message, body_hash: parsed.body_hash, trace_id: null, deliveries: [] },
  ]);
  return result!.outcome === 'stored' ? result!.event.entry : undefined;
}

it('the field goes from a message to its entry, to replays, lists and frontends, and is kept until a newer message says it', async () => {
  const raised = await say(1, { runbook: 'https://runbooks.example.com/1' });
  expect(runbookOf(raised)).toBe('https://runbooks.example.com/1');
  expect(renderData(raised!)).toContain('"runbook":"https://runbooks.example.com/1"');
  expect(runbookOf((await log.after(tenant, 0, 10))[0]?.entry)).toBe('https://runbooks.example.com/1');
  expect(runbookOf(alertAfter(undefined, raised!))).toBe('https://runbooks.example.com/1');

  // a message that does not say it
  const resolved = await say(2, { status: 'resolved' });
  expect(runbookOf(resolved)).toBe('https://runbooks.example.com/1');
  // one that says it anew, and a late one that does not count
  expect(runbookOf(await say(4, { runbook: 'https://runbooks.example.com/4' }))).toBe('https://runbooks.example.com/4');
  expect(runbookOf(await say(3, { runbook: 'https://runbooks.example.com/3' }))).toBe('https://runbooks.example.com/4');

  // a folded repeat, which becomes an entry at the end of its window
  expect(await say(5, { runbook: 'https://runbooks.example.com/5' })).toBeUndefined();
  await new Promise((resolve) => setTimeout(resolve, 150));
  const [appended] = await log.appendFolded();
  expect(runbookOf(appended?.entry)).toBe('https://runbooks.example.com/5');

  // a person's act
  const act: AttemptedAct = { act: 'acknowledge', by: 'ann', until: null, assignee: null, note: null, trace_id: null };
  const reach = { tenants: [tenant], acting: [tenant] };
  const [acted] = await new PostgresAlertActs(database).act(reach, [raised!.alert_id], act);
  expect(acted).toMatchObject({ outcome: 'acted' });
  if (acted?.outcome !== 'acted') return;
  expect([runbookOf(acted.alert), runbookOf(acted.event.entry)]).toEqual(
    Array(2).fill('https://runbooks.example.com/5'),
  );

  const queries = new PostgresAlertQueries(database);
  const [found] = await queries.find([tenant], [raised!.alert_id]);
  expect(runbookOf(found)).toBe('https://runbooks.example.com/5');
  const { entries } = await queries.history(tenant, raised!.alert_id, { before: null, limit: 10 });
  expect(entries.map((entry) => String(runbookOf(entry)).at(-1))).toEqual(['5', '5', '4', '4', '1', '1']);
}, 30_000);

it('the field is refused where it breaks its rule, and stands in the documents', () => {
  const body = { id: 'm', tenant_id: tenant, service: 'inventory', severity: 'high', title: 'Cold', runbook: 5 };
  const parsed = parseAlertMessage(Buffer.from(JSON.stringify(body)), {}, 'strict');
  expect(parsed).toMatchObject({ ok: false, errors: [{ pointer: '/runbook', code: 'invalid_field' }] });
  type Schemas = Record<string, Record<string, object>>;
  const { ALERT_SCHEMAS } = jest.requireActual<Schemas>('../../apps/gateway/src/alerts/alert-schemas');
  const { MESSAGE_SCHEMAS } = jest.requireActual<Schemas>('../../apps/gateway/src/docs/message-schema');
  for (const schema of [ALERT_SCHEMAS!.Entry, ALERT_SCHEMAS!.Alert, MESSAGE_SCHEMAS!.AlertMessage])
    expect(schema).toHaveProperty(
      'properties',
      expect.objectContaining({
        runbook: expect.objectContaining({ description: 'Where it says what to do.' }) as unknown,
      }),
    );
});

it('a message without the field is known by what it was known by before, so that what is stored is no conflict', () => {
  const { MESSAGE, BODY_HASH } = process.env;
  expect(parseAlertMessage(Buffer.from(MESSAGE!), {}, 'strict')).toMatchObject({ ok: true, body_hash: BODY_HASH });
});
