import { eventually } from '@tocsin/contracts/testing';
import { SignJWT, type JWTHeaderParameters, type JWTPayload } from 'jose';
import { createSecretKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { TokenVerifier } from './token-verifier';

const good = { sub: 'ada', exp: Math.floor(Date.now() / 1000) + 60 };

const sign = (claims: JWTPayload, key: KeyObject, header: Partial<JWTHeaderParameters> = {}) =>
  new SignJWT(claims).setProtectedHeader({ alg: 'HS256', ...header }).sign(key);
const base64url = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');

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
    expect(
      await verdict(sign(good, createSecretKey('the-secret-of-these-tests-0123456789', 'utf8'), { kid: 'first' })),
    ).toBe('invalid_token');
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
    const head = `${base64url({ alg: 'RS256', kid: 'short' })}.${base64url(good)}`;
    const { sign: signBytes } = await import('node:crypto');
    expect(await verdict(`${head}.${signBytes('sha256', Buffer.from(head), privateKey).toString('base64url')}`)).toBe(
      'invalid_token',
    );
  });

  test('an elliptic key is as good as an RSA key', async () => {
    const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    answer = { status: 200, body: { keys: [{ ...publicKey.export({ format: 'jwk' }), kid: 'ec', alg: 'ES256' }] } };
    expect(await verdict(sign(good, privateKey, { alg: 'ES256', kid: 'ec' }))).toBe('accepted');
  });

  test('a redirect of the issuer is not followed', async () => {
    answer = { status: 302, body: {} };
    expect(await verdict(tokenOf(first))).toBe('issuer');
  });
});
