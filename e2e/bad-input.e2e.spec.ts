import { generateKeyPairSync } from 'node:crypto';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { eventually } from '@tocsin/contracts/testing';
import { ask, type Answer, type Ask } from './kit/http';
import { JwksServer } from './kit/jwks-server';
import type { AppProcess } from './kit/processes';
import { SseStream, type OpenOptions } from './kit/sse-client';
import { Stack, TENANT_SERVICE_TOKEN } from './kit/stack';
import { JWT_SECRET, makeToken, nowSeconds } from './kit/tokens';

const ISSUER = 'https://id.example.test/';
const claims = (more: Record<string, unknown> = {}) => ({
  sub: 'ana',
  iss: ISSUER,
  aud: 'tocsin',
  iat: nowSeconds(),
  exp: nowSeconds() + 600,
  ...more,
});
const without = (name: string): Record<string, unknown> =>
  Object.fromEntries(Object.entries(claims()).filter(([key]) => key !== name));
const token = (more: Record<string, unknown> = {}): string => makeToken({ claims: claims(more) });
const bearer = (value: string) => ({ Authorization: `Bearer ${value}` });
const message = (more: Record<string, unknown> = {}) => ({
  id: `m-${Math.random()}`,
  tenant_id: 'bakery',
  service: 'inventory',
  severity: 'low',
  name: 'low_stock',
  ...more,
});

describe('bad input', () => {
  let stack: Stack;
  let gateway: AppProcess;
  /** Every answer of this file: none may tell what is inside. */
  const answers: Answer[] = [];
  /** What somebody was answered who sends headers for ever. They are given ten seconds, in which the rest of this file runs. */
  let toSlowHeaders: Promise<string>;

  beforeAll(async () => {
    const many = Array.from({ length: 33 }, (_, i) => `tenant-${i}`);
    stack = await Stack.open({
      tenants: { ana: ['bakery'], many, nobody: [] },
      gatewayEnvironment: { JWT_ISSUER: ISSUER, JWT_AUDIENCE: 'tocsin', CORS_ORIGINS: 'https://app.example.test' },
    });
    gateway = stack.gateway;
    toSlowHeaders = answerToSlowHeaders(gateway.url);
  });
  afterAll(() => stack?.close());

  async function answerTo(path: string, request: Ask = {}, from = gateway): Promise<Answer> {
    const answer = await ask(from.url, path, request);
    answers.push(answer);
    return answer;
  }

  /** Asks for a stream as an EventSource does, and expects to be refused for good. */
  async function refusal(query: string, headers: Ask['headers'] = {}, from = gateway): Promise<Answer> {
    return answerTo(`/api/events${query}`, { headers: { Accept: 'text/event-stream', ...headers } }, from);
  }

  function expectProblem(answer: Answer, status: number, code: string): void {
    expect({ status: answer.status, code: answer.json.code, type: answer.headers['content-type'] }).toEqual({
      status,
      code,
      type: expect.stringMatching(/^application\/problem\+json/) as string,
    });
    expect(answer.json).toMatchObject({
      type: expect.any(String) as string,
      title: expect.any(String) as string,
      status,
    });
    expect(answer.headers['cache-control']).toContain('no-store');
  }

  async function listening(options: OpenOptions = {}): Promise<SseStream> {
    const stream = await SseStream.open(stack.eventsUrl(), { headers: bearer(token()), ...options });
    expect(stream.status).toBe(200);
    await stream.frame('connection');
    return stream;
  }

  describe('in place of a credential', () => {
    it('none is 401 missing_credentials, with a challenge', async () => {
      const answer = await refusal('');
      expectProblem(answer, 401, 'missing_credentials');
      expect(answer.headers['www-authenticate']).toBe('Bearer realm="tocsin"');
    });

    it('?token=test is 401 problem+json', async () => {
      expectProblem(await refusal('?token=test'), 401, 'invalid_token');
      expectProblem(await refusal('?token=test', { Accept: '*/*' }), 401, 'invalid_token');
    });

    it.each(['Bearer', 'Bearer ', 'Bearer a b', 'bearer\tx', 'test'])(
      'the header %j is 400 invalid_request',
      async (Authorization) => {
        expectProblem(await refusal('', { Authorization }), 400, 'invalid_request');
        expectProblem(
          await answerTo('/api/events/ticket', { method: 'POST', headers: { Authorization } }),
          400,
          'invalid_request',
        );
      },
    );

    it('Basic of a proxy is none, and none too many beside a token, a ticket or the cookie', async () => {
      const basic = { Authorization: 'Basic YW5hOnNlY3JldA==' };
      expectProblem(await refusal('', basic), 401, 'missing_credentials');
      expectProblem(
        await answerTo('/api/events/ticket', { method: 'POST', headers: basic }),
        401,
        'missing_credentials',
      );
      expectProblem(await refusal('?token=test', basic), 401, 'invalid_token');
      expectProblem(await refusal('?ticket=test', basic), 401, 'invalid_ticket');
      const stream = await SseStream.open(`${stack.eventsUrl()}?token=${token()}`, { headers: basic });
      expect((await stream.frame('connection')).event).toBe('connection');
      stream.close();
    });

    it.each([
      ['a header and a token', () => [`?token=${token()}`, bearer(token())] as const],
      ['a token and a ticket', () => [`?token=${token()}&ticket=x`, {}] as const],
      ['two tokens', () => [`?token=${token()}&token=${token()}`, {}] as const],
      ['two headers', () => ['', { Authorization: [`Bearer ${token()}`, `Bearer ${token()}`] }] as const],
    ])('%s are 400 invalid_request', async (_, make) => {
      const [query, headers] = make();
      expectProblem(await refusal(query, headers as Ask['headers']), 400, 'invalid_request');
    });

    const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
    const forged = [...token().split('.').slice(0, 2), Buffer.alloc(32, 7).toString('base64url')].join('.');
    const invalid: [string, () => string][] = [
      ['garbage', () => 'a.b.c'],
      ['two parts of a token', () => token().split('.').slice(0, 2).join('.')],
      ['alg none', () => makeToken({ header: { alg: 'none', typ: 'JWT' }, claims: claims(), key: null })],
      ['alg None with a signature', () => makeToken({ header: { alg: 'None', typ: 'JWT' }, claims: claims() })],
      [
        'an algorithm that is not configured',
        () => makeToken({ header: { alg: 'HS512', typ: 'JWT' }, claims: claims() }),
      ],
      [
        'a key of its own',
        () =>
          makeToken({
            header: { alg: 'RS256', typ: 'JWT', jwk: rsa.publicKey.export({ format: 'jwk' }) },
            claims: claims(),
            key: rsa.privateKey,
          }),
      ],
      ['another secret', () => makeToken({ claims: claims(), key: 'another-secret-of-enough-bytes-to-be-one' })],
      ['a forged signature', () => forged],
      [
        'claims changed after signing',
        () =>
          token().replace(
            /\.[^.]+\./,
            `.${Buffer.from(JSON.stringify(claims({ sub: 'many' }))).toString('base64url')}.`,
          ),
      ],
      ['another issuer', () => token({ iss: 'https://other.example.test/' })],
      ['no issuer', () => makeToken({ claims: without('iss') })],
      ['another audience', () => token({ aud: 'other' })],
      ['another type', () => makeToken({ header: { alg: 'HS256', typ: 'logout+jwt' }, claims: claims() })],
      [
        'a critical extension',
        () => makeToken({ header: { alg: 'HS256', typ: 'JWT', crit: ['x'], x: 1 }, claims: claims() }),
      ],
      ['no end', () => makeToken({ claims: without('exp') })],
      ['an end that is text', () => token({ exp: String(nowSeconds() + 600) })],
      ['no user', () => makeToken({ claims: without('sub') })],
      ['a user with a line break', () => token({ sub: 'ana\nx' })],
      ['claims that are a list', () => makeToken({ claims: [] as unknown as Record<string, unknown> })],
      ['nine KiB', () => token({ padding: 'x'.repeat(9_000) })],
    ];

    it.each(invalid)('a token with %s is 401 invalid_token, and the answer does not say why', async (_, make) => {
      const reference = await refusal('?token=test');
      for (const answer of [await refusal(`?token=${make()}`), await refusal('', bearer(make()))]) {
        expectProblem(answer, 401, 'invalid_token');
        expect({ ...answer.json, instance: '' }).toEqual({ ...reference.json, instance: '' });
        expect(answer.headers['www-authenticate']).toContain('error="invalid_token"');
      }
    });

    it.each([
      ['that has expired', () => token({ exp: nowSeconds() - 1 }), 'token_expired'],
      ['that is not valid yet', () => token({ nbf: nowSeconds() + 120 }), 'token_not_yet_valid'],
      ['from the future', () => token({ iat: nowSeconds() + 120 }), 'token_not_yet_valid'],
    ])('a token %s is 401', async (_, make, code) => {
      expectProblem(await refusal('', bearer(make())), 401, code);
    });

    it('a token in the address is 401 query_token_denied where that is switched off', async () => {
      const strict = await stack.startGateway({ STREAM_QUERY_TOKEN: 'deny' });
      expectProblem(await refusal(`?token=${token()}`, {}, strict), 401, 'query_token_denied');
      expectProblem(await refusal('?token=test', {}, strict), 401, 'query_token_denied');
      await strict.stop();
    });
  });

  describe('where an issuer has its own keys', () => {
    let jwks: JwksServer;
    let strict: AppProcess;
    beforeAll(async () => {
      jwks = await JwksServer.start();
      strict = await stack.startGateway({ JWT_SECRET: '', JWT_JWKS_URL: jwks.url, TICKET_SECRET: JWT_SECRET });
    });
    afterAll(async () => {
      await strict.stop();
      await jwks.close();
    });
    const header = (more: Record<string, unknown> = {}) => ({ alg: 'RS256', typ: 'JWT', kid: 'current', ...more });

    it('its token opens a stream', async () => {
      const stream = await SseStream.open(stack.eventsUrl(strict), {
        headers: bearer(makeToken({ header: header(), claims: claims(), key: jwks.privateKey })),
      });
      await stream.frame('connection');
      stream.close();
    });

    it.each([
      [
        'signed with the public key as if it were a secret',
        () => makeToken({ header: header({ alg: 'HS256' }), claims: claims(), key: jwks.publicPem }),
      ],
      [
        'of an unknown key',
        () => makeToken({ header: header({ kid: 'other' }), claims: claims(), key: jwks.privateKey }),
      ],
      [
        'that names where to fetch its key',
        () => makeToken({ header: header({ kid: 'other', jku: jwks.url }), claims: claims(), key: jwks.privateKey }),
      ],
      [
        'with a key id that is no word',
        () => makeToken({ header: header({ kid: '../../etc/passwd\n' }), claims: claims(), key: jwks.privateKey }),
      ],
      ['of the ticket secret', () => token()],
    ])('a token %s is 401 invalid_token', async (_, make) => {
      expectProblem(await refusal('', bearer(make()), strict), 401, 'invalid_token');
    });

    it('invented key ids are not turned into requests', async () => {
      const before = jwks.requests;
      await Promise.all(
        Array.from({ length: 50 }, (_, i) =>
          refusal(
            '',
            bearer(makeToken({ header: header({ kid: `k${i}` }), claims: claims(), key: jwks.privateKey })),
            strict,
          ),
        ),
      );
      // each could be a new key: five of them are asked for in 30 s, and no more
      expect(jwks.requests - before).toBeLessThanOrEqual(5);
    });
  });

  describe('in place of a ticket', () => {
    const ticketFor = async (value: string): Promise<string> => {
      const answer = await ask(gateway.url, '/api/events/ticket', { method: 'POST', headers: bearer(value) });
      expect(answer.status).toBe(201);
      expect(answer.headers['cache-control']).toContain('no-store');
      return String(answer.json.ticket);
    };

    it('an unknown one, a token and a ticket in the wrong place are 401', async () => {
      expectProblem(await refusal('?ticket=unknown'), 401, 'invalid_ticket');
      expectProblem(await refusal(`?ticket=${token()}`), 401, 'invalid_ticket');
      expectProblem(await refusal(`?token=${await ticketFor(token())}`), 401, 'invalid_token');
    });

    it('one that was used is 401 invalid_ticket, also on another gateway', async () => {
      const other = await stack.startGateway();
      const ticket = await ticketFor(token());
      const stream = await SseStream.open(stack.eventsUrl(), { query: { ticket } });
      await stream.frame('connection');
      expectProblem(await refusal(`?ticket=${ticket}`), 401, 'invalid_ticket');
      expectProblem(await refusal(`?ticket=${ticket}`, {}, other), 401, 'invalid_ticket');
      stream.close();
      await other.stop();
    });

    it('of twenty at once, one is taken', async () => {
      const ticket = await ticketFor(token());
      const streams = await Promise.all(
        Array.from({ length: 20 }, () => SseStream.open(stack.eventsUrl(), { query: { ticket } })),
      );
      expect(streams.map(({ status }) => status).sort()).toEqual([200, ...Array.from({ length: 19 }, () => 401)]);
      for (const stream of streams) stream.close();
    });

    it('one that has expired, with its token, is 401 invalid_ticket', async () => {
      const ticket = await ticketFor(token({ exp: nowSeconds() + 2 }));
      await sleep(2_100);
      expectProblem(await refusal(`?ticket=${ticket}`), 401, 'invalid_ticket');
    });

    it('a request without a token, or by another method, gets none', async () => {
      expectProblem(await answerTo('/api/events/ticket', { method: 'POST' }), 401, 'missing_credentials');
      const answer = await answerTo('/api/events/ticket', { headers: bearer(token()) });
      expectProblem(answer, 405, 'method_not_allowed');
      expect(answer.headers.allow).toBe('POST');
    });
  });

  describe('about tenants', () => {
    it('none at all is 403 no_tenant, for a user with an empty list and for one that nobody knows', async () => {
      for (const sub of ['nobody', 'unknown'])
        expectProblem(await refusal('', bearer(token({ sub }))), 403, 'no_tenant');
    });

    it("another's and one that does not exist are the same 403", async () => {
      const [foreign, missing] = [
        await refusal('?tenant=tenant-1', bearer(token())),
        await refusal('?tenant=no-such', bearer(token())),
      ];
      expectProblem(foreign, 403, 'tenant_forbidden');
      expect({ ...foreign.json, instance: '' }).toEqual({ ...missing.json, instance: '' });
      expectProblem(await refusal('?tenant=bakery,tenant-1', bearer(token())), 403, 'tenant_forbidden');
      expectProblem(await refusal('?tenant_id=tenant-1', bearer(token())), 403, 'tenant_forbidden');
    });

    it('more than 32 are 400 too_many_tenants, and ?tenant= narrows them', async () => {
      expectProblem(await refusal('', bearer(token({ sub: 'many' }))), 400, 'too_many_tenants');
      const stream = await SseStream.open(stack.eventsUrl(), {
        headers: bearer(token({ sub: 'many' })),
        query: { tenant: 'tenant-1,tenant-2' },
      });
      expect(JSON.parse((await stream.frame('connection')).data)).toMatchObject({
        tenants: [{ tenant_id: 'tenant-1' }, { tenant_id: 'tenant-2' }],
      });
      stream.close();
    });

    it('when the tenant service is away, a browser is told in a stream to come back, and others by 503', async () => {
      stack.tenantService.away = true;
      try {
        const stream = await SseStream.open(stack.eventsUrl(), {
          headers: bearer(token({ sub: 'late' })),
          cursor: 'e1-5-abcdefgh',
        });
        await stream.ended;
        expect({
          status: stream.status,
          type: stream.headers['content-type'],
          reason: stream.headers['tocsin-refused'],
        }).toEqual({
          status: 200,
          type: expect.stringMatching(/^text\/event-stream/) as string,
          reason: 'tenant_service_unavailable',
        });
        const [close] = stream.frames;
        expect(JSON.parse(close!.data)).toMatchObject({ reason: 'tenant_service_unavailable', action: 'reconnect' });
        expect(close).toMatchObject({ event: 'close', id: 'e1-5-abcdefgh', retryMs: expect.any(Number) as number });

        const answer = await refusal('', { Accept: '*/*', ...bearer(token({ sub: 'later' })) });
        expectProblem(answer, 503, 'tenant_service_unavailable');
        expect(Number(answer.headers['retry-after'])).toBeGreaterThanOrEqual(1);
      } finally {
        stack.tenantService.away = false;
      }
    });

    it('a tenant service that does not answer is given up after 600 ms', async () => {
      stack.tenantService.delayMs = 3_000;
      try {
        const startedAt = performance.now();
        expectProblem(
          await refusal('', { Accept: '*/*', ...bearer(token({ sub: 'slow' })) }),
          503,
          'tenant_service_unavailable',
        );
        expect(performance.now() - startedAt).toBeLessThan(2_000);
      } finally {
        stack.tenantService.delayMs = 0;
      }
    });

    it.each([
      [200, '<html>'],
      [200, '{"tenants":"bakery"}'],
      [500, '{"tenants":[{"id":"bakery"}]}'],
      [302, ''],
    ])('a tenant service that answers %i %j is away, and not obeyed', async (status, body) => {
      stack.tenantService.answersWith = { status, body };
      try {
        expectProblem(
          await refusal('', { Accept: '*/*', ...bearer(token({ sub: `odd-${status}-${body.length}` })) }),
          503,
          'tenant_service_unavailable',
        );
      } finally {
        stack.tenantService.answersWith = undefined;
      }
    });
  });

  describe('about rights', () => {
    const publish = (value: string) =>
      answerTo('/api/v1/events', {
        method: 'POST',
        headers: { ...bearer(value), 'Content-Type': 'application/json' },
        body: JSON.stringify(message()),
      });

    it.each([
      ['neither', 'alerts:write', false, false],
      ['to listen', 'alerts:read', true, false],
      ['to publish', 'events:publish', false, true],
      ['to both', 'alerts:read events:publish', true, true],
    ])('a right %s is that and no more', async (_, scope, mayListen, mayPublish) => {
      const value = token({ scope });
      const published = await publish(value);
      const ticket = await answerTo('/api/events/ticket', { method: 'POST', headers: bearer(value) });
      if (mayListen) {
        (await listening({ headers: bearer(value) })).close();
        expect(ticket.status).toBe(201);
      } else {
        const answer = await refusal('', bearer(value));
        expectProblem(answer, 403, 'insufficient_scope');
        expect(answer.headers['www-authenticate']).toContain('error="insufficient_scope"');
        expectProblem(ticket, 403, 'insufficient_scope');
      }
      if (mayPublish) expect(published.status).toBe(202);
      else expectProblem(published, 403, 'insufficient_scope');
    });

    it('a token without scopes is a person, who listens and does not publish', async () => {
      (await listening()).close();
      expectProblem(await publish(token()), 403, 'insufficient_scope');
    });
  });

  describe('in the rest of a request for a stream', () => {
    it.each(['application/json', 'text/html;q=0.9, application/xml', 'image/*'])('Accept %j is 406', async (Accept) => {
      expectProblem(await refusal('', { Accept, ...bearer(token()) }), 406, 'not_acceptable');
    });

    it.each(['POST', 'PUT', 'PATCH', 'DELETE'])('%s is 405 and names what is allowed', async (method) => {
      const answer = await answerTo('/api/events', { method, headers: bearer(token()) });
      expectProblem(answer, 405, 'method_not_allowed');
      expect(answer.headers.allow).toBe('GET, HEAD');
    });

    it('HEAD is 200 without a stream', async () => {
      const answer = await answerTo('/api/events', { method: 'HEAD', headers: bearer(token()) });
      expect({ status: answer.status, text: answer.text, type: answer.headers['content-type'] }).toEqual({
        status: 200,
        text: '',
        type: expect.stringMatching(/^text\/event-stream/) as string,
      });
    });

    it.each([
      ['severity=loud', 'severity'],
      ['severity=urgent,loud', 'severity'],
      ['type=alarm', 'type'],
      ['since=501', 'since'],
      ['since=yesterday', 'since'],
      ['since=-1', 'since'],
      ['since=2026-13-45', 'since'],
    ])('?%s is 400 invalid_parameter, and names the parameter', async (query, parameter) => {
      const answer = await refusal(`?${query}`, bearer(token()));
      expectProblem(answer, 400, 'invalid_parameter');
      expect(answer.json.errors).toEqual([expect.objectContaining({ parameter, code: 'invalid_parameter' })]);
    });

    it('unknown parameters are ignored: a 400 would end an EventSource for good', async () => {
      (await listening({ query: { colour: 'red', _: '1' } })).close();
    });

    const cursors: [string, string, string][] = [
      ['malformed', 'not a cursor', 'malformed_cursor'],
      ['a plain number', '42', 'malformed_cursor'],
      ["another service's", '00000000-0000-4000-8000-000000000000', 'malformed_cursor'],
      ['longer than any of ours', 'x'.repeat(5_000), 'malformed_cursor'],
      ["another tenant's", 'tenant-1=abc-1-abcdefgh', 'foreign_cursor'],
      ['of another history', 'abc-1-abcdefgh', 'history_replaced'],
    ];
    it.each(cursors.flatMap((row) => [[...row, 'header'] as const, [...row, 'query'] as const]))(
      'a cursor that is %s is no error but a gap',
      async (_, cursor, reason, cursorBy) => {
        const stream = await listening({ cursor, cursorBy });
        expect(JSON.parse(stream.frames[0]!.data)).toMatchObject({
          verdict: 'gap',
          tenants: [{ tenant_id: 'bakery', verdict: 'gap', reason }],
        });
        expect(stream.faults).toEqual([]);
        stream.close();
      },
    );

    it('a cursor from the future is a gap, and the stream goes on live', async () => {
      const present = await listening();
      const [epoch, seq] = present.cursor.split('-');
      const stream = await listening({ cursor: `${epoch}-${Number(seq) + 1_000}-abcdefgh` });
      expect(JSON.parse(stream.frames[0]!.data)).toMatchObject({
        verdict: 'gap',
        tenants: [{ reason: 'history_replaced' }],
      });
      expect(stream.cursor).toBe(present.cursor);
      const { id, ...rest } = message();
      await stack.amqp.publish('alert.low.inventory', { id, ...rest });
      await Promise.all([stream.entry(id), present.entry(id)]);
      stream.close();
      present.close();
    });

    it('an origin that is not listed gets no CORS header, and a listed one gets its own', async () => {
      const [foreign, listed] = [
        await refusal('', { Origin: 'https://evil.example.test' }),
        await refusal('', { Origin: 'https://app.example.test' }),
      ];
      expect(foreign.headers['access-control-allow-origin']).toBeUndefined();
      expect(foreign.headers.vary).toContain('Origin');
      expect(listed.headers['access-control-allow-origin']).toBe('https://app.example.test');
    });
  });

  describe('in a published message', () => {
    const publish = (body: unknown, headers: Ask['headers'] = {}) =>
      answerTo('/api/v1/events', {
        method: 'POST',
        headers: { ...bearer(token({ scope: 'events:publish' })), 'Content-Type': 'application/json', ...headers },
        body: Buffer.isBuffer(body) || typeof body === 'string' ? body : JSON.stringify(body),
      });
    const deep = (levels: number): unknown => (levels === 0 ? 1 : { in: deep(levels - 1) });
    let before = 0;
    beforeAll(async () => {
      await stack.stored(0);
      before = (await stack.rows()).length;
    });

    it.each(['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data; boundary=x'])(
      'the content type %j is 415',
      async (type) => {
        expectProblem(await publish(message(), { 'Content-Type': type }), 415, 'unsupported_media_type');
      },
    );

    it('no content type is 415', async () => {
      const answer = await answerTo('/api/v1/events', {
        method: 'POST',
        headers: bearer(token({ scope: 'events:publish' })),
        body: JSON.stringify(message()),
      });
      expectProblem(answer, 415, 'unsupported_media_type');
    });

    const bodies: [string, () => unknown, number, string][] = [
      ['nothing', () => '', 400, 'invalid_json'],
      ['no JSON', () => '{"tenant_id": ', 400, 'invalid_json'],
      ['a number', () => '1', 400, 'invalid_json'],
      ['null', () => 'null', 400, 'invalid_json'],
      ['bytes that are not UTF-8', () => Buffer.from('7b2261223a22ff227d', 'hex'), 400, 'invalid_utf8'],
      ['20 levels', () => message({ metadata: deep(20) }), 400, 'too_deep'],
      ['60,000 brackets', () => '['.repeat(30_000) + ']'.repeat(30_000), 400, 'too_deep'],
      ['100,000 brackets', () => '['.repeat(50_000) + ']'.repeat(50_000), 413, 'message_too_large'],
      ['a NUL', () => message({ title: 'a\u0000b' }), 422, 'control_characters'],
      ['an escape sequence', () => message({ message: '\u001b[2J' }), 422, 'control_characters'],
      [
        'half a surrogate pair',
        () => '{"tenant_id":"bakery","service":"inventory","severity":"low","title":"\\ud800"}',
        422,
        'control_characters',
      ],
      ['no tenant', () => ({ ...message(), tenant_id: undefined }), 422, 'missing_tenant'],
      ['no service', () => ({ ...message(), service: undefined }), 422, 'missing_service'],
      ['no severity', () => ({ ...message(), severity: undefined }), 422, 'invalid_field'],
      ['65 KiB', () => message({ message: 'x', metadata: { blob: 'x'.repeat(65_536) } }), 413, 'message_too_large'],
      ['an empty list', () => [], 422, 'empty_batch'],
      ['501 messages', () => Array.from({ length: 501 }, () => message()), 413, 'batch_too_large'],
      ['9 MiB', () => JSON.stringify(message({ message: 'x'.repeat(9 * 1024 * 1024) })), 413, 'body_too_large'],
    ];
    it.each(bodies)('%s', async (_, body, status, code) => {
      expectProblem(await publish(body()), status, code);
    });

    const fields: [string, unknown, string][] = [
      ['tenant_id', 'a b', '/tenant_id'],
      ['tenant_id', '../x', '/tenant_id'],
      ['tenant_id', 'x'.repeat(65), '/tenant_id'],
      ['tenant_id', 5, '/tenant_id'],
      ['service', 'a/b', '/service'],
      ['severity', 'loud', '/severity'],
      ['status', 'melting', '/status'],
      ['id', 'x'.repeat(201), '/id'],
      ['id', 'ü', '/id'],
      ['name', 'low stock', '/name'],
      ['title', 'x'.repeat(301), '/title'],
      ['title', 'a\nb', '/title'],
      ['message', 'x'.repeat(8_001), '/message'],
      ['occurred_at', 'yesterday', '/occurred_at'],
      ['occurred_at', '2026-02-30T00:00:00Z', '/occurred_at'],
      ['labels', { a: { b: 1 } }, '/labels'],
      ['labels', Object.fromEntries(Array.from({ length: 33 }, (_, i) => [`k${i}`, 'v'])), '/labels'],
      ['actions', Array.from({ length: 11 }, () => ({ label: 'Order' })), '/actions'],
      ['actions', [{ label: 'Order', url: 'javascript:alert(1)' }], '/actions/0/url'],
      ['recipients', Array.from({ length: 101 }, () => 'a@example.test'), '/recipients'],
      ['channels', ['pigeon'], '/channels'],
      ['metadata', [1], '/metadata'],
      ['schema_version', 2, '/schema_version'],
    ];
    it.each(fields)('%s %j is 422 invalid_field, with a pointer', async (name, value, pointer) => {
      const answer = await publish(message({ [name]: value }));
      expectProblem(answer, 422, 'invalid_field');
      expect(answer.json.errors).toContainEqual(expect.objectContaining({ pointer, code: 'invalid_field' }));
    });

    it('a field that nobody knows is 422 unknown_field, with the nearest name', async () => {
      const answer = await publish(message({ sevrity: 'high' }));
      expectProblem(answer, 422, 'unknown_field');
      expect(answer.json.errors).toEqual([
        expect.objectContaining({ pointer: '/sevrity', detail: expect.stringContaining('"severity"') as string }),
      ]);
    });

    it.each(['__proto__', 'constructor', 'prototype'])('%s is a field like any other, and unknown', async (name) => {
      expectProblem(
        await publish(`{"tenant_id":"bakery","service":"inventory","severity":"low","${name}":{"isAdmin":true}}`),
        422,
        'unknown_field',
      );
    });

    it('a resolved message without a key, and a key without a time, are 422', async () => {
      const [unkeyed, untimed] = [
        await publish(message({ status: 'resolved' })),
        await publish(message({ dedup_key: 'flour' })),
      ];
      expectProblem(unkeyed, 422, 'invalid_field');
      expect(unkeyed.json.errors?.[0]?.pointer).toBe('/dedup_key');
      expectProblem(untimed, 422, 'invalid_field');
      expect(untimed.json.errors?.[0]?.pointer).toBe('/occurred_at');
    });

    it('one bad message of a list refuses the list, and says which', async () => {
      const answer = await publish([message(), message({ severity: 'loud' }), message({ tenant_id: undefined })]);
      expect(answer.status).toBe(422);
      expect(answer.json.errors?.map(({ pointer }) => pointer)).toEqual(['/1/severity', '/2/tenant_id']);
    });

    it('another method is 405', async () => {
      const answer = await answerTo('/api/v1/events', {
        method: 'PUT',
        headers: bearer(token({ scope: 'events:publish' })),
      });
      expectProblem(answer, 405, 'method_not_allowed');
      expect(answer.headers.allow).toBe('GET, HEAD, POST');
    });

    it('of all that, nothing was published', async () => {
      const { id, ...rest } = message();
      expect((await publish({ id, ...rest })).status).toBe(202);
      await stack.stored(before + 1);
      expect(await stack.rows()).toHaveLength(before + 1);
      expect(await stack.amqp.takeDead()).toEqual([]);
    });
  });

  describe('in an address', () => {
    it.each([
      '/api',
      '/api/v1',
      '/api/events/',
      '/api/events/x',
      '/admin',
      '/metrics',
      '/health',
      '/api/../../etc/passwd',
      '/api/events/%2e%2e/%2e%2e/etc/passwd',
      '/api/%c0%af',
      '//evil.example.test/',
    ])('%s is a 404 problem, or the stream asking who is there', async (path) => {
      const answer = await answerTo(path);
      // a trailing slash is the same route to Express
      if (path === '/api/events/') expectProblem(answer, 401, 'missing_credentials');
      else expect([400, 404]).toContain(answer.status);
      expect(answer.headers['content-type']).toMatch(/^application\/problem\+json/);
    });

    it('headers of more than 16 KiB are 431, and the gateway lives on', async () => {
      expect((await ask(gateway.url, '/api/events', { headers: { 'X-Long': 'x'.repeat(20_000) } })).status).toBe(431);
      expectProblem(await refusal(''), 401, 'missing_credentials');
    });
  });

  describe('over AMQP', () => {
    const dead: [string, string, string | Buffer, string][] = [
      ['no JSON', 'alert.low.inventory', 'not json', 'invalid_json'],
      ['no UTF-8', 'alert.low.inventory', Buffer.from([0xff, 0xfe]), 'invalid_utf8'],
      [
        'too deep',
        'alert.low.inventory',
        JSON.stringify(message({ metadata: JSON.parse('{"a":'.repeat(20) + '1' + '}'.repeat(20)) as unknown })),
        'too_deep',
      ],
      [
        'too large',
        'alert.low.inventory',
        JSON.stringify(message({ metadata: { blob: 'x'.repeat(65_536) } })),
        'message_too_large',
      ],
      ['no tenant', 'alert.low.inventory', '{"severity":"low"}', 'missing_tenant'],
      ['no service', 'some.key', '{"tenant_id":"bakery","severity":"low"}', 'missing_service'],
      [
        'a limit broken',
        'alert.low.inventory',
        JSON.stringify(message({ message: 'x'.repeat(8_001) })),
        'invalid_field',
      ],
    ];

    it.each(dead)(
      '%s becomes a dead letter with its reason, in the queue and on record',
      async (_, key, body, reason) => {
        await stack.amqp.publish(key, body);
        const [letter] = await eventually(async () => {
          const letters = await stack.amqp.takeDead();
          if (letters.length === 0) throw new Error('alerts.dead is empty');
          return letters;
        });
        expect(letter!.content.equals(Buffer.from(body))).toBe(true);
        expect(letter!.properties.headers).toMatchObject({ reason });
        const rows = await stack.sql<{ reason: string; routing_key: string }>(
          'select reason, routing_key from tocsin.dead_letter order by dead_letter_id desc limit 1',
        );
        expect(rows).toEqual([{ reason, routing_key: key }]);
      },
    );

    it('an unknown field, an unknown severity and a type of its own are kept and shown: a silent bell would be worse', async () => {
      const stream = await listening();
      await stack.amqp.publish(
        'alert.low.inventory',
        message({ id: 'odd-1', severity: 'loud', colour: 'red', type: 'oven_cold', name: undefined }),
      );
      const { data } = await stream.entry('odd-1');
      expect(JSON.parse(data)).toMatchObject({ severity: 'low', name: 'oven_cold', metadata: { colour: 'red' } });
      stream.close();
    });
  });

  it('slow headers are cut off', async () => {
    expect(await toSlowHeaders).toMatch(/^(HTTP\/1\.1 408|$)/);
  }, 20_000);

  it('no answer and no log tells of what is inside: no stack, no SQL, no address, no secret', () => {
    expect(answers.length).toBeGreaterThan(150);
    const inside =
      /node_modules|\.[jt]s:\d+|\bat [\w.<>]+ \(|select .* from|insert into|postgres|amqp|redis|127\.0\.0\.1|ECONN/i;
    expect(answers.filter(({ text }) => inside.test(text)).map(({ text }) => text)).toEqual([]);
    const secrets = [JWT_SECRET, TENANT_SERVICE_TOKEN, 'eyJ'];
    for (const secret of secrets) expect(stack.processes.output).not.toContain(secret);
    for (const { text } of answers.filter(({ status }) => status >= 400)) expect(text).not.toContain('eyJ');
  });
});

/** Sends a header a second, and resolves to what came back when the connection was closed from the other end. */
async function answerToSlowHeaders(url: string): Promise<string> {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  let received = '';
  socket.on('data', (chunk) => (received += chunk.toString()));
  socket.on('error', () => undefined);
  socket.write('GET /api/events HTTP/1.1\r\nHost: x\r\n');
  const dripping = setInterval(() => socket.writable && socket.write('X-Slow: 1\r\n'), 1_000);
  await new Promise((resolve) => socket.once('close', resolve)).finally(() => clearInterval(dripping));
  return received;
}
