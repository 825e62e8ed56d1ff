import { Refused } from '@tocsin/contracts';
import { SignJWT, type JWTHeaderParameters, type JWTPayload } from 'jose';
import { createSecretKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
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
