import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { TokenVerifier } from '@tocsin/auth';
import { runCli } from './run-cli';
import { PlayedGateway, respond } from './testing/played-gateway';
import { PlayedTerminal } from './testing/played-terminal';

const SECRET = 'a secret of the test, long enough for HS256';
const ALERT = ['Flour is low', '--service', 'inventory', '--severity', 'urgent'];

let gateway: PlayedGateway;
beforeEach(async () => void (gateway = await PlayedGateway.open()));
afterEach(() => gateway.goAway());

const publish = async (args: string[], environment: Record<string, string> = {}, input = '') => {
  const terminal = new PlayedTerminal({ JWT_SECRET: SECRET, TOCSIN_URL: gateway.url, ...environment }, input);
  const exitCode = await runCli(['publish', ...args], terminal);
  return { exitCode, out: terminal.stdout.join('\n'), err: terminal.stderr.join('\n') };
};
const sent = () => gateway.requests.flatMap(({ messages }) => messages);

test('an alert is accepted in one line, with its id and the time it took', async () => {
  const { exitCode, out, err } = await publish(ALERT);
  const [message] = sent();
  expect({ exitCode, err }).toEqual({ exitCode: 0, err: '' });
  expect(out).toMatch(new RegExp(`^202 · ${message!.id} · \\d+ ms$`));
  expect(gateway.requests[0]!.path).toBe('POST /api/v1/events');
  expect(message).toEqual({
    tenant_id: 'north-bakery',
    service: 'inventory',
    severity: 'urgent',
    title: 'Flour is low',
    id: expect.stringMatching(/^[0-9a-f-]{36}$/),
  });
});

test('every option has its field', async () => {
  await publish([
    'Oven 3 is too cold',
    '--service',
    'ovens',
    '--severity',
    'high',
    '--tenant',
    'harbour-cafe',
    '--type',
    'alert',
    '--name',
    'too_cold',
    '--message',
    '18 °C below target',
    '--id',
    'oven-3-1',
    '--dedup-key',
    'oven-3',
    '--status',
    'firing',
    '--occurred-at',
    '2026-01-02T03:04:05Z',
    '--label',
    'line=2',
    '--label',
    'site=a=b',
    '--action',
    'Open=https://example.com/?oven=3',
    '--action',
    'Call Mira',
  ]);
  expect(sent()).toEqual([
    {
      tenant_id: 'harbour-cafe',
      service: 'ovens',
      severity: 'high',
      id: 'oven-3-1',
      type: 'alert',
      name: 'too_cold',
      title: 'Oven 3 is too cold',
      message: '18 °C below target',
      dedup_key: 'oven-3',
      status: 'firing',
      occurred_at: '2026-01-02T03:04:05Z',
      labels: { line: '2', site: 'a=b' },
      actions: [{ label: 'Open', url: 'https://example.com/?oven=3' }, { label: 'Call Mira' }],
    },
  ]);
});

test('with a dedup_key the time is now, without one it is left out', async () => {
  await publish([...ALERT, '--dedup-key', 'flour']);
  await publish(ALERT);
  const [keyed, alone] = sent() as { occurred_at?: string }[];
  expect(Math.abs(Date.parse(keyed!.occurred_at!) - Date.now())).toBeLessThan(10_000);
  expect(alone).not.toHaveProperty('occurred_at');
});

test('it signs a token that may publish, for five minutes and nothing else', async () => {
  await publish(ALERT);
  const verified = await new TokenVerifier({ JWT_SECRET: SECRET, JWT_JWKS_ALGORITHMS: [] }).verify(
    gateway.requests[0]!.token,
  );
  expect(verified.scopes).toEqual(new Set(['events:publish']));
  expect(verified.expires_at - Date.now()).toBeLessThanOrEqual(300_000);
});

test('TOCSIN_TOKEN is used as it is, and PORT, TOCSIN_URL and --url say where, the last one first', async () => {
  const { port } = new URL(gateway.url);
  await publish(ALERT, { TOCSIN_TOKEN: 'given', TOCSIN_URL: '', PORT: port });
  await publish([...ALERT, '--url', `${gateway.url}/behind/a/proxy/`], { TOCSIN_URL: 'http://127.0.0.1:9' });
  expect(gateway.requests.map(({ path }) => path)).toEqual([
    'POST /api/v1/events',
    'POST /behind/a/proxy/api/v1/events',
  ]);
  expect(gateway.requests[0]!.token).toBe('given');
});

test('--url publishes over HTTP although there is a RABBITMQ_URL', async () => {
  expect(await publish([...ALERT, '--url', gateway.url], { RABBITMQ_URL: 'amqp://127.0.0.1:9' })).toMatchObject({
    exitCode: 0,
  });
});

test('a problem is shown with its title, detail and pointers: exit 1', async () => {
  gateway.next.push((_, response) =>
    respond(response, 422, {
      type: 'about:blank',
      title: 'A field is not valid',
      status: 422,
      code: 'invalid_field',
      detail: 'severity must be one of urgent, high',
      errors: [{ pointer: '/severity', code: 'invalid_field', detail: 'not\u001b[31m a severity' }],
    }),
  );
  expect(await publish(ALERT)).toEqual({
    exitCode: 1,
    out: '',
    err: 'A field is not valid (422 invalid_field): severity must be one of urgent, high\n  /severity  not [31m a severity',
  });
});

test('what a problem says of its one fault is shown once', async () => {
  const detail = 'Unknown field. Did you mean "service"?';
  gateway.next.push((_, response) =>
    respond(response, 422, {
      type: 'about:blank',
      title: 'A field is unknown',
      status: 422,
      code: 'unknown_field',
      detail,
      errors: [{ pointer: '/servce', code: 'unknown_field', detail }],
    }),
  );
  expect(await publish(ALERT)).toMatchObject({ err: `A field is unknown (422 unknown_field).\n  /servce  ${detail}` });
});

test('a refused token is signed anew once; then the answer is shown, and where the token came from', async () => {
  const refuse = (_: unknown, response: Parameters<typeof respond>[0]) =>
    respond(response, 401, {
      type: 'about:blank',
      title: 'The token is not valid',
      status: 401,
      code: 'invalid_token',
    });
  gateway.next.push(refuse);
  expect(await publish(ALERT)).toMatchObject({ exitCode: 0 });
  gateway.next.push(refuse, refuse);
  expect(await publish(ALERT)).toEqual({
    exitCode: 1,
    out: '',
    err: 'The token is not valid (401 invalid_token).\nThe token was signed with JWT_SECRET.',
  });
  gateway.next.push(refuse);
  expect(await publish(ALERT, { TOCSIN_TOKEN: 'given' })).toMatchObject({
    exitCode: 1,
    err: expect.stringContaining('TOCSIN_TOKEN'),
  });
});

test.each([
  [
    'no server listens',
    async () => gateway.goAway(),
    (url: string) => `Nothing answers at ${url}. Is it running? npm start`,
  ],
  [
    'the connection is cut before the answer',
    async () => void gateway.next.push((_, response) => response.destroy()),
    (url: string) => `${url} went away before it had answered.`,
  ],
  [
    'the queue is away',
    async () =>
      void gateway.next.push((_, response) =>
        respond(response, 503, {
          type: 'about:blank',
          title: 'Not every message was confirmed',
          status: 503,
          code: 'publish_failed',
          confirmed: [],
        }),
      ),
    (url: string) => `${url} takes nothing at present: Not every message was confirmed`,
  ],
  [
    'another server answers',
    async () => void gateway.next.push((_, response) => response.writeHead(404).end('<h1>')),
    (url: string) => `${url} answered 404, and not as Tocsin does. Is it the right address?`,
  ],
  [
    'a redirect is answered',
    async () =>
      void gateway.next.push((_, response) => response.writeHead(307, { location: 'http://127.0.0.1:9/' }).end()),
    (url: string) => `${url} answered 307, and not as Tocsin does. Is it the right address?`,
  ],
])('when %s it says so in one sentence: exit 1', async (_, arrange, sentence) => {
  await arrange();
  expect(await publish(ALERT)).toEqual({ exitCode: 1, out: '', err: sentence(gateway.url) });
});

describe('a file', () => {
  const folder = mkdtempSync(join(tmpdir(), 'cli-publish-'));
  const file = join(folder, 'alerts.json');
  afterAll(() => rmSync(folder, { recursive: true }));
  const many = (count: number) =>
    Array.from({ length: count }, (_, at) => ({
      id: `m-${at}`,
      tenant_id: 't',
      service: 's',
      severity: 'low',
      title: 'x',
    }));

  test('is published as it stands, in requests of at most 500', async () => {
    writeFileSync(file, JSON.stringify(many(1_201)));
    expect(await publish(['--file', file])).toMatchObject({
      exitCode: 0,
      out: expect.stringMatching(/^202 · m-0 and 1200 more · \d+ ms$/),
    });
    expect(gateway.requests.map(({ messages }) => messages.length)).toEqual([500, 500, 201]);
    expect(sent()).toEqual(many(1_201));
  });

  test('may be stdin, and one message', async () => {
    expect(await publish(['--file', '-'], {}, '{"id":"one"}')).toMatchObject({
      exitCode: 0,
      out: expect.stringMatching(/^202 · one · /),
    });
    expect(sent()).toEqual([{ id: 'one' }]);
  });

  test('that is refused in the middle says how many were accepted', async () => {
    writeFileSync(file, JSON.stringify(many(700)));
    gateway.next.push(
      ({ messages }, response) => respond(response, 202, { ids: messages.map(({ id }) => id) }),
      (_, response) =>
        respond(response, 503, {
          type: 'about:blank',
          title: 'Not every message was confirmed',
          status: 503,
          code: 'publish_failed',
          confirmed: ['m-500'],
        }),
    );
    expect(await publish(['--file', file])).toMatchObject({
      exitCode: 1,
      out: '',
      err: expect.stringContaining('501 of 700 were accepted; those with ids can be published again.'),
    });
  });

  test('with --json is told in one value, also when it was refused in the middle', async () => {
    writeFileSync(file, JSON.stringify(many(2)));
    const whole = await publish(['--file', file, '--json']);
    expect({ ...whole, out: JSON.parse(whole.out) as unknown }).toEqual({
      exitCode: 0,
      out: { accepted: ['m-0', 'm-1'], of: 2, took_ms: expect.any(Number) },
      err: '',
    });
    gateway.next.push((_, response) =>
      respond(response, 503, {
        type: 'about:blank',
        title: 'Not every message was confirmed',
        status: 503,
        code: 'publish_failed',
        confirmed: ['m-0'],
      }),
    );
    const half = await publish(['--file', file, '--json']);
    expect(half).toMatchObject({ exitCode: 1, err: expect.stringContaining('1 of 2 were accepted') });
    expect(JSON.parse(half.out)).toMatchObject({ accepted: ['m-0'], of: 2 });
  });

  test.each([
    ['[', 'is not JSON'],
    ['[]', 'holds no message'],
  ])('with %j in it publishes nothing', async (text, fault) => {
    writeFileSync(file, text);
    expect(await publish(['--file', file])).toEqual({
      exitCode: 1,
      out: '',
      err: `It did not work: ${file} ${fault}.`,
    });
    expect(gateway.requests).toEqual([]);
  });

  test('that is not there is named', async () => {
    expect(await publish(['--file', join(folder, 'none.json')])).toMatchObject({
      exitCode: 1,
      err: `It did not work: there is no file ${join(folder, 'none.json')}.`,
    });
  });
});
