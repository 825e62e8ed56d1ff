import { TokenVerifier } from '@tocsin/auth';
import { ScriptedGateway, SECRET } from './testing/scripted-gateway';

const LETTER = {
  dead_letter_id: 42,
  tenant_id: null,
  reason: 'invalid_json',
  detail: 'not\u001b[31m JSON',
  routing_key: 'alert.low.shop',
  buried_at: '2026-01-02T03:04:05.678Z',
  status: 'open',
  decided_by: null,
  decided_at: null,
  note: null,
};

let gateway: ScriptedGateway;
beforeEach(async () => {
  gateway = await ScriptedGateway.open();
});
afterEach(() => gateway.close());

const run = (...args: string[]) => gateway.run('dead-letters', ...args);

test('list is a line a letter, nothing in it a command for the terminal, and says where to go on', async () => {
  gateway.answers = [[200, { items: [LETTER], cursor: '42' }]];
  const { exitCode, out } = await run('list', '--tenant', 'acme', '--limit', '1');
  expect(exitCode).toBe(0);
  expect(out).toEqual([
    '#42  2026-01-02T03:04:05.678Z  (no tenant)  invalid_json  not [31m JSON',
    'There may be more: --cursor 42',
  ]);
  expect(gateway.asked[0]!.what).toBe('GET /base/api/v1/dead-letters?limit=1&tenant=acme');
  gateway.answers = [[200, { items: [], cursor: null }]];
  expect((await run('list')).out).toEqual(['No dead letter.']);
});

test('its own token is an operator for five minutes', async () => {
  gateway.answers = [[200, { items: [], cursor: null }]];
  await run('list');
  const token = await new TokenVerifier({ JWT_SECRET: SECRET, JWT_JWKS_ALGORITHMS: [] }).verify(
    gateway.asked[0]!.token,
  );
  expect(token.scopes).toEqual(new Set(['dead_letters:operate']));
});

test('show prints every field and the message, or JSON', async () => {
  gateway.answers = [[200, { ...LETTER, body: '{"a":\u001b1}', body_encoding: 'utf8' }]];
  const { out } = await run('show', '42');
  expect(gateway.asked[0]!.what).toBe('GET /base/api/v1/dead-letters/42');
  expect(out).toContainEqual(expect.stringMatching(/^reason: +invalid_json$/));
  expect(out.at(-1)).toBe('{"a": 1}');
  expect(JSON.parse((await run('show', '42', '--json')).out[0]!)).toMatchObject({ dead_letter_id: 42 });
});

test('redrive and discard say what was decided', async () => {
  gateway.answers = [
    [200, { ...LETTER, status: 'redriven', decided_by: 'tocsin-cli', decided_at: '2026-01-03T00:00:00.000Z' }],
  ];
  expect((await run('redrive', '42')).out).toEqual(['#42 redriven by tocsin-cli, 2026-01-03T00:00:00.000Z']);
  await run('discard', '42', '--note', 'a drill');
  expect(gateway.asked.map(({ what, body }) => [what, body])).toEqual([
    ['POST /base/api/v1/dead-letters/42/redrive', {}],
    ['POST /base/api/v1/dead-letters/42/discard', { note: 'a drill' }],
  ]);
});

test('all of a set are worked off call by call, within its first bound', async () => {
  gateway.answers = [
    [200, { settled: 500, failed: 0, left: 20, up_to: 900 }],
    [200, { settled: 20, failed: 0, left: 0, up_to: 900 }],
  ];
  const { exitCode, out } = await run('redrive', '--all', '--reason', 'store_failed');
  expect({ exitCode, out }).toEqual({ exitCode: 0, out: ['520 redriven, 0 left'] });
  expect(gateway.asked.map(({ body }) => body)).toEqual([
    { reason: 'store_failed' },
    { reason: 'store_failed', up_to: 900 },
  ]);
});

test('with --json the outcome of a set is one value, also when it ends with a refusal', async () => {
  const half = [200, { settled: 500, failed: 0, left: 20, up_to: 900 }] as [number, unknown];
  gateway.answers = [half, [200, { settled: 5, failed: 15, left: 15, up_to: 900 }]];
  const { exitCode, out } = await run('redrive', '--all', '--json');
  expect(exitCode).toBe(1);
  expect(out.map((line): unknown => JSON.parse(line))).toEqual([
    { redriven: 505, failed: 15, left: 15, complete: false },
  ]);
  gateway.answers = [half, [503, { type: 'about:blank', title: 'Away', status: 503, code: 'unavailable' }]];
  expect(await run('discard', '--all', '--note', 'a drill', '--json')).toMatchObject({
    exitCode: 1,
    out: ['{"discarded":500,"complete":false}'],
    err: ['Away (503 unavailable).'],
  });
});

test('all of a set end at the first that the queue does not confirm', async () => {
  gateway.answers = [
    [200, { settled: 500, failed: 0, left: 20, up_to: 900 }],
    [200, { settled: 5, failed: 15, left: 15, up_to: 900 }],
  ];
  const { exitCode, out, err } = await run('redrive', '--all');
  expect({ exitCode, out }).toEqual({ exitCode: 1, out: ['505 redriven, 15 left'] });
  expect(err).toEqual([expect.stringContaining('did not confirm 15 of them')]);
});

test('a refusal is told in words', async () => {
  gateway.answers = [
    [
      409,
      {
        type: 'about:blank',
        title: 'Not all of the message is kept',
        status: 409,
        code: 'truncated',
        detail: 'It was longer.',
      },
    ],
  ];
  expect(await run('redrive', '42')).toEqual({
    exitCode: 1,
    out: [],
    err: ['Not all of the message is kept (409 truncated): It was longer.'],
  });
  gateway.answers = [[403, { type: 'about:blank', title: 'No', status: 403, code: 'insufficient_scope' }]];
  expect((await run('list')).err).toEqual(['No (403 insufficient_scope).', 'The token was signed with JWT_SECRET.']);
  gateway.answers = [[200, 'a page']];
  expect((await run('list')).err[0]).toContain('not as Tocsin does');
});
