import { ScriptedGateway } from './testing/scripted-gateway';

const ID = '0197f3c1-0000-7000-8000-000000000001';
const OTHER = '0197f3c1-0000-7000-8000-000000000002';
const ALERT = {
  alert_id: ID,
  tenant_id: 'bakery',
  service: 'oven',
  severity: 'urgent',
  status: 'firing',
  title: 'Cold\u001b[31m',
  last_seen_at: '2026-01-02T03:04:05.678Z',
  actor: null,
};
const LINE = `${ID}  2026-01-02T03:04:05.678Z  urgent        bakery  oven  Cold [31m`;

let gateway: ScriptedGateway;
beforeEach(async () => {
  gateway = await ScriptedGateway.open();
});
afterEach(() => gateway.close());
const run = (...args: string[]) => gateway.run('alerts', ...args);

test('list shows what is open, the most severe first, and where to go on', async () => {
  gateway.answers = [[200, { alerts: [ALERT], next: 'n1' }]];
  expect(await run('list', '--severity', 'urgent,high')).toEqual({
    exitCode: 0,
    out: [LINE, 'There may be more: --after n1'],
    err: [],
  });
  expect(gateway.asked[0]!.what).toBe(
    'GET /base/api/v1/alerts?order=severity&limit=50&status=firing%2Cacknowledged%2Csnoozed&severity=urgent%2Chigh',
  );
});

test('ack and resolve act as the user, and say of each alert what became of it', async () => {
  const refused = [{ alert_id: OTHER, code: 'alert_conflict', detail: 'bo resolved this.' }];
  gateway.answers = [[200, { alerts: [{ ...ALERT, status: 'acknowledged', actor: 'ana' }], refused }]];
  expect(await run('ack', `${ID},${OTHER}`, '--note', 'on my way', '--user', 'ana')).toEqual({
    exitCode: 1,
    out: [LINE.replace('urgent        ', 'acknowledged  ').concat('  (ana)')],
    err: [`${OTHER}  alert_conflict: bo resolved this.`],
  });
  const [{ what, token, body }] = gateway.asked as [(typeof gateway.asked)[0]];
  expect({ what, body }).toEqual({
    what: 'PATCH /base/api/v1/alerts',
    body: { alert_ids: [ID, OTHER], act: 'acknowledge', note: 'on my way' },
  });
  const { sub, scope } = JSON.parse(Buffer.from(token.split('.')[1]!, 'base64url').toString()) as Record<
    string,
    string
  >;
  expect({ sub, scope }).toEqual({ sub: 'ana', scope: 'alerts:read alerts:write' });
});

test('--json prints what the gateway answers, and a refusal is a sentence', async () => {
  gateway.answers = [
    [200, { alerts: [ALERT], refused: [] }],
    [403, { type: 'about:blank', title: 'No', status: 403, code: 'no_tenant', detail: 'No tenant.' }],
  ];
  expect((await run('resolve', ID, '--json')).out.map((line) => JSON.parse(line) as unknown)).toEqual([
    { alerts: [ALERT], refused: [] },
  ]);
  const { exitCode, err } = await run('list');
  expect({ exitCode, first: err[0] }).toEqual({ exitCode: 1, first: 'No (403 no_tenant): No tenant.' });
});
