import 'reflect-metadata';
import { AlertMessage, parseAlertMessage, publishedForm, routingKeyOf } from '@tocsin/messages';
import type { PlannedEvent } from '@tocsin/contracts';
import { aTenant } from '@tocsin/contracts/testing';
import { validateSync } from 'class-validator';
import { surelyValid } from '../../messages/src/surely-valid';
import type { Database } from './database';
import { PostgresEventLog } from './event-log.postgres';
import { freshDatabase } from './testing';

const tenant_id = aTenant();
const valid = { tenant_id, service: 'ovens', severity: 'low', title: 'Cold' };
const VS16 = '\ufe0f';

/** A field, an odd value, and the result: refused, kept unchanged, or read as another value. */
const JUDGED: [field: string, value: unknown, becomes: 'refused' | { value: unknown }][] = [
  // times: a value that cannot be read is refused, and others are stored as they were read
  ...[
    '2026-01-02T03',
    '2026-01',
    '2026-W01',
    '2026-01-02T03:04.5Z',
    '2026-002',
    '2026-02-30T00:00:00Z',
    '20260102',
    'yesterday',
    '',
    '0001-01-01T00:00:00Z',
    '10000-01-01T00:00:00Z',
    '2026-01-02T03:04:60Z',
    1e16,
    -1,
    true,
  ].map((value): [string, unknown, 'refused'] => ['occurred_at', value, 'refused']),
  ['occurred_at', '20260102T030405Z', { value: '2026-01-02T03:04:05.000Z' }],
  ['occurred_at', '2026-01-02T03:04:05+01:00', { value: '2026-01-02T02:04:05.000Z' }],
  ['occurred_at', '2016-12-31T23:59:60Z', { value: '2016-12-31T23:59:59.999Z' }],
  ['occurred_at', '2026-01-02T24:00:00Z', { value: '2026-01-03T00:00:00.000Z' }],
  ['occurred_at', 1_767_323_045, { value: '2026-01-02T03:04:05.000Z' }],
  ['occurred_at', '2026-01-02', { value: '2026-01-02T00:00:00.000Z' }],
  ['occurred_at', 0, { value: '1970-01-01T00:00:00.000Z' }],
  // lengths are counted in code points
  ['title', '🔥'.repeat(300), { value: '🔥'.repeat(300) }],
  ['title', '🔥'.repeat(301), 'refused'],
  ['title', `❤${VS16}`.repeat(150), { value: `❤${VS16}`.repeat(150) }],
  ['title', `❤${VS16}`.repeat(151), 'refused'],
  ['title', ' Cold ', { value: 'Cold' }],
  ['title', '', 'refused'],
  ['title', ' ', 'refused'],
  ['title', 'a\nb', 'refused'],
  ['title', 'a\u2028b', { value: 'a\u2028b' }],
  ['title', 7, 'refused'],
  ['message', '🔥'.repeat(8_000), { value: '🔥'.repeat(8_000) }],
  ['message', 'x'.repeat(8_001), 'refused'],
  ['message', '', { value: '' }],
  ['message', '\t\r\n', { value: '\t\r\n' }],
  ['dedup_key', '🔥'.repeat(200), { value: '🔥'.repeat(200) }],
  ['dedup_key', '🔥'.repeat(201), 'refused'],
  ['dedup_key', `❤${VS16}`.repeat(101), 'refused'],
  ['dedup_key', '', 'refused'],
  ['dedup_key', '  ', 'refused'],
  ['dedup_key', ' k ', { value: ' k ' }],
  ['labels', { ['🔥'.repeat(100)]: '🔥'.repeat(500) }, { value: { ['🔥'.repeat(100)]: '🔥'.repeat(500) } }],
  ['labels', { ['k'.repeat(101)]: 'x' }, 'refused'],
  ['labels', { k: '🔥'.repeat(501) }, 'refused'],
  ['labels', { '': '' }, { value: { '': '' } }],
  ['labels', ['a'], 'refused'],
  ['labels', [], 'refused'],
  ['labels', { a: 1 }, 'refused'],
  ['labels', { a: null }, 'refused'],
  ['labels', Object.fromEntries(Array.from({ length: 33 }, (_, i) => [`l${i}`, ''])), 'refused'],
  // ids and names
  ['id', 'x'.repeat(200), { value: 'x'.repeat(200) }],
  ['id', 'x'.repeat(201), 'refused'],
  ['id', 'ü', 'refused'],
  ['id', ' a', 'refused'],
  ['id', 42, 'refused'],
  ['name', 'low_stock_', { value: 'low_stock_' }],
  ['name', 'Low stock', 'refused'],
  ['name', '', 'refused'],
  ['name', 'x'.repeat(101), 'refused'],
  ['service', 'x'.repeat(64), { value: 'x'.repeat(64) }],
  ['service', 'x'.repeat(65), 'refused'],
  ['service', 'a b', 'refused'],
  ['service', ' ', 'refused'],
  ['severity', 'Critical', { value: 'urgent' }],
  ['severity', 'odd', 'refused'],
  ['status', 'OK', 'refused'],
  ['status', 'odd', 'refused'],
  ['type', ' Notification', { value: 'notification' }],
  // lists
  ['recipients', ['x'.repeat(320)], { value: ['x'.repeat(320)] }],
  ['recipients', ['🔥'.repeat(320)], { value: ['🔥'.repeat(320)] }],
  ['recipients', ['x'.repeat(321)], 'refused'],
  ['recipients', 'a@b', 'refused'],
  ['recipients', [1], 'refused'],
  [
    'actions',
    [{ label: 'x', url: `https://a.b/${'x'.repeat(1_988)}` }],
    { value: [{ label: 'x', url: `https://a.b/${'x'.repeat(1_988)}` }] },
  ],
  ['actions', [{ label: 'x', url: `https://a.b/${'x'.repeat(1_989)}` }], 'refused'],
  ['actions', [{ label: 'x', url: 'javascript:1' }], 'refused'],
  ['actions', [{ label: '🔥'.repeat(100) }], { value: [{ label: '🔥'.repeat(100) }] }],
  ['actions', [{ label: '' }], 'refused'],
  ['actions', ['Order'], { value: [{ label: 'Order' }] }],
  ['actions', {}, 'refused'],
  ['channels', ['email'], { value: ['email'] }],
  ['channels', ['pager'], 'refused'],
  ['metadata', [], 'refused'],
  ['metadata', 'x', 'refused'],
  ['schema_version', 2, 'refused'],
  ['schema_version', '1', 'refused'],
];

describe('the judges of a field agree: the parser, class-validator and its quick look, and PostgreSQL', () => {
  let fresh: Awaited<ReturnType<typeof freshDatabase>>;
  let database: Database;
  let log: PostgresEventLog;
  let gateway: Database;
  beforeAll(async () => {
    fresh = await freshDatabase();
    database = fresh.open('tocsin_processor');
    gateway = fresh.open('tocsin_gateway');
    log = new PostgresEventLog(database);
  });
  afterAll(async () => {
    await Promise.all([database?.close(), gateway?.close()]);
    await fresh?.drop();
  });

  let seq = 0;
  it.each(
    JUDGED.map(([field, value, becomes], index) => ({
      field,
      value,
      becomes,
      shown: (JSON.stringify(value) ?? String(value)).slice(0, 60),
      index,
    })),
  )('$field $shown ($index)', async ({ field, value, becomes, index }) => {
    const more = field === 'dedup_key' ? { occurred_at: '2026-01-02T03:04:05Z' } : {};
    const parsed = parseAlertMessage(
      Buffer.from(JSON.stringify({ ...valid, id: `id-${index}`, ...more, [field]: value })),
      {},
      'strict',
    );
    if (becomes === 'refused') return expect(parsed).toMatchObject({ ok: false, code: 'invalid_field' });
    if (!parsed.ok) throw new Error(JSON.stringify(parsed));
    const { message, body_hash } = parsed;
    expect(message[field as keyof AlertMessage]).toEqual(becomes.value);
    expect([validateSync(message, { forbidUnknownValues: true }), surelyValid(message)]).toEqual([[], true]);

    // from the queue
    const read = parseAlertMessage(publishedForm(message), {
      routing_key: routingKeyOf(message),
      message_id: message.id,
    });
    expect(read.ok && { ...read.message, assumed: [...(read.message.assumed ?? [])].sort() }).toEqual({
      ...message,
      assumed: [...(message.assumed ?? [])].sort(),
    });
    const planned: PlannedEvent = {
      message,
      body_hash,
      trace_id: null,
      deliveries: (message.recipients ?? []).map((recipient) => ({ channel: 'email', recipient })),
    };
    const [stored] = await log.append([planned]);
    seq += 1;
    const [replayed] = await new PostgresEventLog(gateway).after(tenant_id, seq - 1, 1);
    // the live entry equals the replayed one
    expect(stored).toMatchObject({ outcome: 'stored', event: { seq, entry: replayed!.entry } });
    const kept = { id: 'event_id' }[field] ?? field;
    if (kept in replayed!.entry) expect(replayed!.entry[kept as 'title']).toEqual(becomes.value);
  });
});
