import { Refused } from '@tocsin/contracts';
import { eventually } from '@tocsin/contracts/testing';
import { SignJWT, type JWTHeaderParameters, type JWTPayload } from 'jose';
import { createSecretKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { signToken } from './sign-token';
import { TokenVerifier } from './token-verifier';

const SECRET = 'the-secret-of-these-tests-0123456789';
const NOW = Math.floor(Date.now() / 1000);
const nowMs = () => NOW * 1000;

const sign = (
  claims: JWTPayload,
  key: KeyObject = createSecretKey(SECRET, 'utf8'),
  header: Partial<JWTHeaderParameters> = {},
) => new SignJWT(claims).setProtectedHeader({ alg: 'HS256', ...header }).sign(key);
const base64url = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
const codeOf = (promise: Promise<unknown>) =>
  promise.then(
    () => 'accepted',
    (error: Refused) => error.code,
  );
const good = { sub: 'ada', exp: NOW + 60 };

describe('with a secret', () => {
  const verifier = new TokenVerifier({ JWT_SECRET: SECRET, JWT_JWKS_ALGORITHMS: ['RS256'] }, nowMs);
  const verify = async (claims: JWTPayload, header?: Partial<JWTHeaderParameters>) =>
    verifier.verify(await sign(claims, undefined, header));

  test('a good token says who, what for and until when', async () => {
    const token = await sign({
      sub: 's',
      user_id: 'ada',
      iat: NOW - 5,
      exp: NOW + 60,
      jti: 'j1',
      scope: 'alerts:read events:publish orders:write',
      tenants: ['a'],
    });
    expect(await verifier.verify(token)).toEqual({
      user_id: 'ada',
      scopes: new Set(['alerts:read', 'events:publish']),
      expires_at: (NOW + 60) * 1000,
      issued_at: (NOW - 5) * 1000,
      jti: 'j1',
      claims: expect.objectContaining({ tenants: ['a'] }),
      token,
    });
  });

  test('it may say nothing of when it was issued, and nothing of its id', async () => {
    expect(await verify(good)).toMatchObject({ issued_at: null, jti: null });
  });

  test('the user is user_id, else sub, and may be a number', async () => {
    expect((await verify({ sub: 'svc-7', exp: NOW + 60 })).user_id).toBe('svc-7');
    expect((await verify({ user_id: 42, sub: 'x', exp: NOW + 60 })).user_id).toBe('42');
  });

  test.each([
    [{}, ['alerts:read']],
    [{ scope: 'openid profile' }, ['alerts:read']],
    [{ scope: 'events:publish' }, ['events:publish']],
    [{ scopes: ['alerts:read', 'alerts:write'] }, ['alerts:read', 'alerts:write']],
    [{ scope: 7 }, ['alerts:read']],
  ])('%j grants %j', async (claims, scopes) => {
    expect([...(await verify({ ...good, ...claims })).scopes]).toEqual(scopes);
  });

  test.each([undefined, ''])('no token (%j) is missing_credentials', async (token) => {
    expect(await codeOf(verifier.verify(token))).toBe('missing_credentials');
  });

  test('the answer is the same for every fault of a token', async () => {
    const { publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
    const valid = await sign(good);
    const [header, payload, signature] = valid.split('.') as [string, string, string];
    const wrong: Record<string, string> = {
      garbage: 'test',
      'three parts of nothing': '..',
      'a header that is no JSON': `!!!.${payload}.${signature}`,
      'a header that is a list': `${base64url([])}.${payload}.${signature}`,
      'alg none': `${base64url({ alg: 'none', typ: 'JWT' })}.${payload}.`,
      'alg none with a signature': `${base64url({ alg: 'none' })}.${payload}.${signature}`,
      'alg NONE': `${base64url({ alg: 'NONE' })}.${payload}.`,
      'another algorithm of the same secret': await sign(good, undefined, { alg: 'HS512' }),
      'the HMAC of a public key': await sign(
        good,
        createSecretKey(Buffer.from(publicKey.export({ format: 'pem', type: 'spki' }))),
      ),
      'another secret': await sign(good, createSecretKey(Buffer.alloc(32, 1))),
      'a payload that was changed': `${header}.${base64url({ ...good, sub: 'eve' })}.${signature}`,
      'no signature': `${header}.${payload}.`,
      'a fourth part': `${valid}.x`,
      crit: await sign(good, undefined, { crit: ['b64'], b64: true }),
      'an empty crit': `${base64url({ alg: 'HS256', crit: [] })}.${payload}.${signature}`,
      'the type of a ticket': await sign(good, undefined, { typ: 'tocsin-ticket+jwt' }),
      'a kid that is not one': await sign(good, undefined, { kid: 'x'.repeat(129) }),
      'no exp': await sign({ sub: 'ada' }),
      'an exp that is text': await sign({ sub: 'ada', exp: String(NOW + 60) as never }),
      'no user': await sign({ exp: NOW + 60 }),
      'an empty user': await sign({ sub: '', exp: NOW + 60 }),
      'a user with a line feed': await sign({ sub: 'a\nb', exp: NOW + 60 }),
      'a user with a lone surrogate': await sign({ sub: 'a\ud800', exp: NOW + 60 }),
      'a user that is an object': await sign({ user_id: { id: 1 }, exp: NOW + 60 }),
      'more than 8 KiB': await sign({ ...good, padding: 'x'.repeat(8 * 1024) }),
    };
    const answers = await Promise.all(
      Object.entries(wrong).map(async ([what, token]) => [
        what,
        await verifier.verify(token).then(
          () => 'accepted',
          (error: Refused) => `${error.code}: ${error.message}`,
        ),
      ]),
    );
    expect(Object.fromEntries(answers)).toEqual(
      Object.fromEntries(Object.keys(wrong).map((what) => [what, 'invalid_token: The token is not valid.'])),
    );
  });

  test('exp has no tolerance', async () => {
    expect(await codeOf(verify({ sub: 'ada', exp: NOW + 1 }))).toBe('accepted');
    expect(await codeOf(verify({ sub: 'ada', exp: NOW }))).toBe('token_expired');
    expect(await codeOf(verify({ sub: 'ada', exp: NOW - 1 }))).toBe('token_expired');
  });

  test('nbf and iat have 30 s', async () => {
    expect(await codeOf(verify({ ...good, nbf: NOW + 29, iat: NOW + 29 }))).toBe('accepted');
    expect(await codeOf(verify({ ...good, nbf: NOW + 31 }))).toBe('token_not_yet_valid');
    expect(await codeOf(verify({ ...good, iat: NOW + 31 }))).toBe('token_not_yet_valid');
  });

  test('an expired token with a wrong signature is not called expired', async () => {
    expect(
      await codeOf(verifier.verify(await sign({ sub: 'ada', exp: NOW - 1 }, createSecretKey(Buffer.alloc(32, 1))))),
    ).toBe('invalid_token');
  });

  test('iss and aud are checked when configured, and not else', async () => {
    const strict = new TokenVerifier(
      { JWT_SECRET: SECRET, JWT_JWKS_ALGORITHMS: ['RS256'], JWT_ISSUER: 'https://id/', JWT_AUDIENCE: 'tocsin' },
      nowMs,
    );
    const verdict = async (claims: JWTPayload) => codeOf(strict.verify(await sign({ ...good, ...claims })));
    expect(await verdict({ iss: 'https://id/', aud: ['other', 'tocsin'] })).toBe('accepted');
    expect(await verdict({ iss: 'https://id', aud: 'tocsin' })).toBe('invalid_token');
    expect(await verdict({ iss: 'https://id/', aud: 'tocsin2' })).toBe('invalid_token');
    expect(await verdict({ aud: 'tocsin' })).toBe('invalid_token');
    expect(await verdict({ iss: 'https://id/' })).toBe('invalid_token');
    expect(await codeOf(verify({ ...good, iss: 'anybody', aud: 'anything' }))).toBe('accepted');
  });

  test('a token that was verified is remembered, and expires all the same', async () => {
    let now = nowMs();
    const verifier = new TokenVerifier({ JWT_SECRET: SECRET, JWT_JWKS_ALGORITHMS: ['RS256'] }, () => now);
    const token = await sign(good);
    const first = await verifier.verify(token);
    expect(await verifier.verify(token)).toBe(first);
    // the same claims with another signature are another token
    expect(await codeOf(verifier.verify(`${token.slice(0, -2)}${token.endsWith('AA') ? 'BB' : 'AA'}`))).toBe(
      'invalid_token',
    );
    now += 60_000;
    expect(await codeOf(verifier.verify(token))).toBe('token_expired');
  });

  test('a rotated secret goes on verifying while it is configured', async () => {
    const rotated = new TokenVerifier(
      { JWT_SECRET: 'n'.repeat(32), JWT_SECRET_PREVIOUS: SECRET, JWT_JWKS_ALGORITHMS: ['RS256'] },
      nowMs,
    );
    expect(await codeOf(rotated.verify(await sign(good)))).toBe('accepted');
    expect(await codeOf(rotated.verify(await sign(good, createSecretKey('n'.repeat(32), 'utf8'))))).toBe('accepted');
    expect(await codeOf(rotated.verify(await sign({ ...good, nbf: NOW + 60 })))).toBe('token_not_yet_valid');
    expect(await codeOf(rotated.verify(await sign(good, createSecretKey(Buffer.alloc(32, 1)))))).toBe('invalid_token');
  });

  test('what signToken makes is accepted', async () => {
    const token = signToken(SECRET, {
      user_id: 'ada',
      expiresInSeconds: 60,
      scopes: ['alerts:read', 'events:publish'],
      issuer: 'i',
      audience: 'a',
      claims: { tenants: ['acme'] },
    });
    const verified = await new TokenVerifier({
      JWT_SECRET: SECRET,
      JWT_JWKS_ALGORITHMS: ['RS256'],
      JWT_ISSUER: 'i',
      JWT_AUDIENCE: 'a',
    }).verify(token);
    expect(verified).toMatchObject({ user_id: 'ada', claims: { tenants: ['acme'] } });
    expect(verified.scopes.has('events:publish')).toBe(true);
  });
});

describe("with an issuer's keys", () => {
  const keyPair = (kid: string) => {
    const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
    return {
      kid,
      publicKey,
      privateKey,
      jwk: { ...publicKey.export({ format: 'jwk' }), kid, use: 'sig', alg: 'RS256' },
    };
  };
  const [first, second] = [keyPair('first'), keyPair('second')];
  const tokenOf = (pair: typeof first, claims: JWTPayload = {}, header: Partial<JWTHeaderParameters> = {}) =>
    sign({ sub: 'ada', exp: Math.floor(Date.now() / 1000) + 3 * 86_400, ...claims }, pair.privateKey, {
      alg: 'RS256',
      kid: pair.kid,
      ...header,
    });

  let issuer: Server;
  let answer: { status: number; body: unknown; hang?: boolean };
  let requests: number;
  let verifier: TokenVerifier;
  let clockMs: number;

  beforeEach(async () => {
    requests = 0;
    answer = { status: 200, body: { keys: [first.jwk] } };
    issuer = createServer((_, response) => {
      requests++;
      if (answer.hang) return;
      response.writeHead(answer.status, { 'Content-Type': 'application/json' }).end(JSON.stringify(answer.body));
    });
    await new Promise<void>((resolve) => issuer.listen(0, '127.0.0.1', resolve));
    const url = `http://127.0.0.1:${(issuer.address() as AddressInfo).port}/keys`;
    verifier = new TokenVerifier({ JWT_JWKS_URL: url, JWT_JWKS_ALGORITHMS: ['RS256', 'ES256'] });
    clockMs = Date.now();
    jest.spyOn(Date, 'now').mockImplementation(() => clockMs);
  });
  afterEach(async () => {
    jest.restoreAllMocks();
    issuer.closeAllConnections();
    await new Promise((resolve) => issuer.close(resolve));
  });
  const verdict = async (token: string | Promise<string>) =>
    verifier.verify(await token).then(
      () => 'accepted',
      (error: { code?: string; role?: string }) => error.code ?? error.role,
    );

  test('tokens are verified with one request for the keys, however many come at once', async () => {
    const token = await tokenOf(first);
    expect(await Promise.all(Array.from({ length: 20 }, () => verdict(token)))).toEqual(Array(20).fill('accepted'));
    expect(requests).toBe(1);
  });

  test('keys that cannot be had are the issuer unavailable, and the issuer is not asked for each token', async () => {
    answer = { status: 503, body: {} };
    for (let i = 0; i < 10; i++) expect(await verdict(tokenOf(first))).toBe('issuer');
    await expect(verifier.checkKeys()).rejects.toMatchObject({ role: 'issuer' });
    expect(requests).toBe(1);
    answer = { status: 200, body: { keys: [first.jwk] } };
    clockMs += 6_000;
    expect(await verdict(tokenOf(first))).toBe('accepted');
  });

  test('an issuer that does not answer costs two seconds, once', async () => {
    answer = { ...answer, hang: true };
    const before = performance.now();
    expect(await verdict(tokenOf(first))).toBe('issuer');
    expect(performance.now() - before).toBeLessThan(3_500);
    expect(await verdict(tokenOf(first))).toBe('issuer');
    expect(requests).toBe(1);
  });

  test.each([{ keys: [] }, { keys: 'x' }, { keys: [1] }, [], 'text', { keys: Array(2000).fill(first.jwk) }])(
    'garbage from the issuer (%#) is jwks unavailable',
    async (body) => {
      answer = { status: 200, body };
      expect(await verdict(tokenOf(first))).toBe('issuer');
    },
  );

  test('a rotated key is fetched when the first token with it comes, and the old one goes on while it is published', async () => {
    expect(await verdict(tokenOf(first))).toBe('accepted');
    answer = { status: 200, body: { keys: [second.jwk, first.jwk] } };
    clockMs += 31_000;
    expect(await verdict(tokenOf(second))).toBe('accepted');
    expect(await verdict(tokenOf(first))).toBe('accepted');
    expect(requests).toBe(2);
    answer = { status: 200, body: { keys: [second.jwk] } };
    clockMs += 11 * 60_000;
    expect(await verdict(tokenOf(second))).toBe('accepted'); // renews in the background
    while (requests < 3) await new Promise(setImmediate);
    const old = await tokenOf(first);
    while ((await verdict(old)) !== 'invalid_token') await new Promise(setImmediate);
  });

  test('a remembered token falls with the key that proved it', async () => {
    const token = await tokenOf(first);
    expect(await verdict(token)).toBe('accepted');
    answer = { status: 200, body: { keys: [second.jwk] } };
    clockMs += 11 * 60_000;
    expect(await verdict(tokenOf(second))).toBe('accepted'); // renews
    await eventually(async () => expect(await verdict(token)).toBe('invalid_token'));
  });

  test('invented kids do not become requests', async () => {
    expect(await verdict(tokenOf(first))).toBe('accepted');
    const invented = (i: number) => verdict(tokenOf(first, {}, { kid: `invented-${i}` }));
    for (let i = 0; i < 20; i++) expect(await invented(i % 10)).toBe('invalid_token');
    expect(requests).toBe(1 + 5);
    await Promise.all(Array.from({ length: 50 }, (_, i) => invented(100 + i)));
    expect(requests).toBe(1 + 5);
    clockMs += 30_000;
    expect(new Set(await Promise.all(Array.from({ length: 50 }, (_, i) => invented(200 + i))))).toEqual(
      new Set(['invalid_token']),
    );
    expect(requests).toBeLessThanOrEqual(1 + 10);
  });

  test('a new key is found at once, for all tokens with it, however young the known keys are', async () => {
    expect(await verdict(tokenOf(first))).toBe('accepted');
    answer = { status: 200, body: { keys: [first.jwk, second.jwk] } };
    expect(await Promise.all(Array.from({ length: 10 }, () => verdict(tokenOf(second))))).toEqual(
      Array(10).fill('accepted'),
    );
    expect(requests).toBe(2);
  });

  test('an unknown kid while the issuer is away is unavailable, and not wrong, however young the known keys are', async () => {
    expect(await verdict(tokenOf(first))).toBe('accepted');
    answer = { status: 500, body: {} };
    for (const afterMs of [0, 1_000, 6_000, 31_000, 60_000]) {
      clockMs += afterMs;
      expect([afterMs, await verdict(tokenOf(second)), await verdict(tokenOf(first))]).toEqual([
        afterMs,
        'issuer',
        'accepted',
      ]);
    }
    answer = { status: 200, body: { keys: [first.jwk] } };
    clockMs += 6_000;
    expect(await verdict(tokenOf(second))).toBe('invalid_token');
    answer = { ...answer, hang: true };
    clockMs += 31_000;
    expect(await verdict(tokenOf(second))).toBe('issuer');
  });

  const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey.export({ format: 'jwk' });
  const short = generateKeyPairSync('rsa', { modulusLength: 1024 }).publicKey.export({ format: 'jwk' });
  const { n: _, ...withoutModulus } = first.jwk;
  const unusable: [string, unknown][] = [
    ['nothing', {}],
    ['null', null],
    ['a text', 'x'],
    ['a list', []],
    ['no modulus', withoutModulus],
    ['a broken modulus', { ...first.jwk, n: 1 }],
    ['an empty exponent', { ...first.jwk, e: '' }],
    ['a secret', { kty: 'oct', k: 'c2VjcmV0', kid: 'first' }],
    ['an unknown kind', { kty: 'XYZ', kid: 'first' }],
    ['a short key', { ...short, kid: 'first' }],
    ['a point that is not on its curve', { ...ec, y: ec.x, kid: 'first' }],
    ['one for encryption', { ...first.jwk, use: 'enc' }],
    ['one that does not verify', { ...first.jwk, key_ops: ['encrypt'] }],
    ['a private key', { ...first.privateKey.export({ format: 'jwk' }), kid: 'first' }],
  ];

  test.each(unusable)('a set of one unusable key (%s) does not replace a good one', async (_name, key) => {
    expect(await verdict(tokenOf(first))).toBe('accepted');
    for (const keys of [[key], [key, key], []]) {
      answer = { status: 200, body: { keys } };
      clockMs += 11 * 60_000;
      const before = requests;
      expect(await verdict(tokenOf(first))).toBe('accepted');
      await eventually(() => expect(requests).toBeGreaterThan(before));
      expect(await verdict(tokenOf(first))).toBe('accepted');
      expect(await verdict(tokenOf(second))).toBe('issuer');
    }
  });

  test.each(unusable)(
    'one unusable key (%s) takes nothing from the others, nor the key that its kid named',
    async (_name, key) => {
      const hasName = typeof key === 'object' && key !== null && !Array.isArray(key);
      const named = hasName ? { ...key, kid: 'first' } : key;
      expect(await verdict(tokenOf(first))).toBe('accepted');
      answer = { status: 200, body: { keys: [named, second.jwk] } };
      expect(await verdict(tokenOf(second))).toBe('accepted');
      expect(await verdict(tokenOf(first))).toBe(hasName ? 'accepted' : 'invalid_token');
      // where the same kid names a valid key as well, only that one counts
      answer = { status: 200, body: { keys: [named, second.jwk, first.jwk] } };
      clockMs += 11 * 60_000;
      await verdict(tokenOf(second));
      await eventually(async () => expect([requests, await verdict(tokenOf(first))]).toEqual([3, 'accepted']));
    },
  );

  test('a set that never had a usable key is unavailable, not a verdict on tokens', async () => {
    for (const [, key] of unusable) {
      answer = { status: 200, body: { keys: [key] } };
      clockMs += 6_000;
      expect(await verdict(tokenOf(first))).toBe('issuer');
    }
  });

  test('known keys are used for a day of outage, and no longer', async () => {
    expect(await verdict(tokenOf(first))).toBe('accepted');
    answer = { status: 500, body: {} };
    clockMs += 23 * 3_600_000;
    const token = await tokenOf(first);
    expect(await verdict(token)).toBe('accepted');
    expect(await verdict(tokenOf(second))).toBe('issuer'); // it may be a new key: only the issuer can say
    clockMs += 2 * 3_600_000;
    expect(await verdict(token)).toBe('issuer');
  });

  test('the algorithm is pinned: neither the HMAC of a public key, nor none, nor another algorithm of the same key', async () => {
    const pem = createSecretKey(Buffer.from(first.publicKey.export({ format: 'pem', type: 'spki' })));
    expect(await verdict(sign(good, pem, { kid: 'first' }))).toBe('invalid_token');
    expect(await verdict(sign(good, createSecretKey(SECRET, 'utf8'), { kid: 'first' }))).toBe('invalid_token');
    expect(await verdict(`${base64url({ alg: 'none', kid: 'first' })}.${base64url(good)}.`)).toBe('invalid_token');
    expect(await verdict(tokenOf(first, {}, { alg: 'RS512' }))).toBe('invalid_token');
    expect(await verdict(tokenOf(first, {}, { alg: 'PS256' }))).toBe('invalid_token');
  });

  test('a key of the issuer does not sign for another kid', async () => {
    answer = { status: 200, body: { keys: [first.jwk, second.jwk] } };
    expect(await verdict(tokenOf(second, {}, { kid: 'first' }))).toBe('invalid_token');
  });

  test('an RSA key of less than 2048 bits is refused', async () => {
    const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 1024 });
    answer = {
      status: 200,
      body: { keys: [{ ...publicKey.export({ format: 'jwk' }), kid: 'short', alg: 'RS256' }, first.jwk] },
    };
    const head = `${base64url({ alg: 'RS256', kid: 'short' })}.${base64url({ sub: 'ada', exp: NOW + 60 })}`;
    const { sign: signBytes } = await import('node:crypto');
    expect(await verdict(`${head}.${signBytes('sha256', Buffer.from(head), privateKey).toString('base64url')}`)).toBe(
      'invalid_token',
    );
  });

  test('an elliptic key is as good as an RSA key', async () => {
    const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    answer = { status: 200, body: { keys: [{ ...publicKey.export({ format: 'jwk' }), kid: 'ec', alg: 'ES256' }] } };
    expect(await verdict(sign({ sub: 'ada', exp: NOW + 60 }, privateKey, { alg: 'ES256', kid: 'ec' }))).toBe(
      'accepted',
    );
  });

  test('a redirect of the issuer is not followed', async () => {
    answer = { status: 302, body: {} };
    expect(await verdict(tokenOf(first))).toBe('issuer');
  });
});
