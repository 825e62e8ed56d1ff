import { TokenVerifier } from '@tocsin/auth';
import { ScriptedGateway, SECRET } from './testing/scripted-gateway';

const ID = '0b6f2f0e-0000-4000-8000-000000000001';
const DELIVERY = {
  delivery_id: ID,
  tenant_id: 'acme',
  alert_id: null,
  seq: null,
  notification_id: 'n',
  channel: 'email',
  recipient: 'ana\u001b[31m@example.com',
  status: 'failed',
  reason: 'rejected',
  created_at: '2026-01-02T03:04:05.678Z',
  due_at: null,
  settled_at: '2026-01-02T03:04:06.000Z',
  attempts: [
    {
      attempt: 1,
      begun_at: '2026-01-02T03:04:05.700Z',
      ended_at: '2026-01-02T03:04:06.000Z',
      outcome: 'failed',
      reason: 'rejected',
      answer: '550 no such\r\nuser',
      provider_id: null,
    },
  ],
};

let gateway: ScriptedGateway;
beforeEach(async () => {
  gateway = await ScriptedGateway.open();
});
afterEach(() => gateway.close());

const run = (...args: string[]) => gateway.run('deliveries', ...args);

test('list is a line a delivery, of the dead ones by default, and says where to go on', async () => {
  gateway.answers = [[200, { deliveries: [DELIVERY], next: 'abc' }]];
  const { exitCode, out } = await run('list', '--tenant', 'acme', '--limit', '1', '--channel', 'email');
  expect(exitCode).toBe(0);
  expect(out).toEqual([
    `${ID}  2026-01-02T03:04:05.678Z  email  ana [31m@example.com  failed  rejected  1 attempt`,
    'There may be more: --after abc',
  ]);
  expect(gateway.asked[0]!.what).toBe(
    'GET /base/api/v1/deliveries?tenant=acme&status=failed%2Cexpired%2Cunknown&limit=1&channel=email',
  );
  gateway.answers = [[200, { deliveries: [], next: null }]];
  expect((await run('list', '--tenant', 'acme')).out).toEqual(['No delivery.']);
});

test('its own token is an operator for five minutes', async () => {
  gateway.answers = [[200, { deliveries: [], next: null }]];
  await run('list', '--tenant', 'acme');
  const token = await new TokenVerifier({ JWT_SECRET: SECRET, JWT_JWKS_ALGORITHMS: [] }).verify(
    gateway.asked[0]!.token,
  );
  expect(token.scopes).toEqual(new Set(['dead_letters:operate']));
});

test('show prints every field and attempt, nothing in it a command for the terminal', async () => {
  gateway.answers = [[200, DELIVERY]];
  const { out } = await run('show', ID, '--tenant', 'acme');
  expect(gateway.asked[0]!.what).toBe(`GET /base/api/v1/deliveries/${ID}?tenant=acme`);
  expect(out).toContainEqual(expect.stringMatching(/^status: +failed$/));
  expect(out.at(-1)).toMatch(/^#1 {2}2026-01-02T03:04:05\.700Z .* failed {2}rejected {2}550 no such/);
  expect(out.join('').includes('\u001b') || /[\r\n]/.test(out.join(''))).toBe(false);
});

test('one is redriven by its id, and may repeat only when that is said', async () => {
  gateway.answers = [[200, { ...DELIVERY, status: 'pending', reason: null }]];
  expect((await run('redrive', ID, '--tenant', 'acme')).out).toEqual([expect.stringContaining('pending')]);
  await run('redrive', ID, '--tenant', 'acme', '--may-repeat');
  expect(gateway.asked.map(({ what, body }) => [what, body])).toEqual([
    [`POST /base/api/v1/deliveries/${ID}/redrive?tenant=acme`, { may_repeat: false }],
    [`POST /base/api/v1/deliveries/${ID}/redrive?tenant=acme`, { may_repeat: true }],
  ]);
});

test('all of a set are redriven call by call', async () => {
  gateway.answers = [
    [200, { redriven: 500, next: 'abc' }],
    [200, { redriven: 20, next: null }],
  ];
  const { exitCode, out } = await run('redrive', '--all', '--tenant', 'acme', '--status', 'failed');
  expect({ exitCode, out }).toEqual({ exitCode: 0, out: ['520 redriven'] });
  expect(gateway.asked.map(({ body }) => body)).toEqual([
    { tenant: 'acme', status: 'failed' },
    { tenant: 'acme', status: 'failed', after: 'abc' },
  ]);
});

test('with --json the outcome of a set is one value, also when it ends with a refusal', async () => {
  const all = ['redrive', '--all', '--tenant', 'acme', '--status', 'failed', '--json'];
  const half = [200, { redriven: 500, next: 'abc' }] as [number, unknown];
  gateway.answers = [half, [200, { redriven: 20, next: null }]];
  expect(await run(...all)).toEqual({ exitCode: 0, out: ['{"redriven":520,"complete":true}'], err: [] });
  gateway.answers = [half, [503, { type: 'about:blank', title: 'Away', status: 503, code: 'unavailable' }]];
  expect(await run(...all)).toEqual({
    exitCode: 1,
    out: ['{"redriven":500,"complete":false}'],
    err: ['Away (503 unavailable).'],
  });
});

test('a refusal is told in words, and a command line without what it needs sends nothing', async () => {
  gateway.answers = [
    [409, { type: 'about:blank', title: 'No', status: 409, code: 'delivery_conflict', detail: 'It was sent.' }],
  ];
  expect(await run('redrive', ID, '--tenant', 'acme')).toEqual({
    exitCode: 1,
    out: [],
    err: ['No (409 delivery_conflict): It was sent.'],
  });
  gateway.asked = [];
  for (const args of [
    ['list'],
    ['show', '--tenant', 'acme'],
    ['redrive', '--all', '--tenant', 'acme'],
    ['redrive', '--all', '--tenant', 'acme', '--status', 'sent'],
    ['redrive', ID, '--all', '--tenant', 'acme', '--status', 'failed'],
  ])
    expect((await run(...args)).exitCode).toBe(2);
  expect(gateway.asked).toEqual([]);
});
