import { setTimeout as sleep } from 'node:timers/promises';
import { generateKeyPairSync } from 'node:crypto';
import { ask, type Ask } from '../kit/http';
import { JwksServer } from '../kit/jwks-server';
import type { AppProcess } from '../kit/processes';
import { SseStream } from '../kit/sse-client';
import type { Stack } from '../kit/stack';
import { JWT_SECRET, makeToken, nowSeconds } from '../kit/tokens';
import { AskedWrongly, bearer, claims, expectProblem, token, without } from './asked-wrongly';

describe('bad input', () => {
  let asked: AskedWrongly;
  let stack: Stack;
  let gateway: AppProcess;
  let answerTo: AskedWrongly['answerTo'];
  let refusal: AskedWrongly['refusal'];

  beforeAll(async () => {
    asked = await AskedWrongly.open();
    ({ stack, gateway, answerTo, refusal } = asked);
  });
  afterAll(() => asked?.close());

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
      // each `kid` could be a new key: the issuer is asked five times in 30 s and not more
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

    it('a used ticket is 401 invalid_ticket, also on another gateway', async () => {
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

    it('an expired ticket, with its token, is 401 invalid_ticket', async () => {
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

  it('no answer and no log tells of what is inside: no stack, no SQL, no address, no secret', () => {
    asked.expectNothingTold(90);
  });
});
