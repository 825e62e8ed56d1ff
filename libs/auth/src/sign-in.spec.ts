import { Unavailable } from '@tocsin/contracts';
import { safeReturn, SignIn, SIGN_IN_LASTS_MS } from './sign-in';

const SECRET = 'a secret of at least thirty-two bytes';
const checks = { state: 'the-state', nonce: 'the-nonce', code_verifier: 'the-verifier' };
let now: number;
let exchanged: unknown[];
const signInWith = (...secrets: string[]) =>
  new SignIn(
    {
      begin: () => Promise.resolve({ url: 'https://id.example.com/auth', checks }),
      exchange: (...asked) => {
        exchanged.push(asked);
        return Promise.resolve({ access_token: 'token' });
      },
    },
    secrets.length > 0 ? secrets : [SECRET],
    () => now,
  );
beforeEach(() => ([now, exchanged] = [1_000, []]));
const failed = { code: 'sign_in_failed' };

test('a sign-in is finished with what its cookie says, and returns to the address that was asked for', async () => {
  const { cookie, state, url } = await signInWith().begin('/?alert=7&view=mine');
  expect([state, url]).toEqual(['the-state', 'https://id.example.com/auth']);
  // another gateway with the same secret
  expect(await signInWith().finish('code=1&state=the-state', cookie)).toEqual({
    tokens: { access_token: 'token' },
    return_to: '/?alert=7&view=mine',
  });
  expect(exchanged).toEqual([['code=1&state=the-state', expect.objectContaining(checks)]]);
});

test('no cookie of this kind shows what is in it', async () => {
  const { cookie } = await signInWith().begin('/?alert=7');
  for (const hidden of Object.values(checks)) expect(Buffer.from(cookie, 'base64url').toString()).not.toContain(hidden);
});

test('a cookie that is missing, changed, cut, of another secret or old finishes nothing', async () => {
  const { cookie } = await signInWith().begin('/');
  const middle = cookie.length >> 1;
  const changed = cookie.slice(0, middle) + (cookie[middle] === 'A' ? 'B' : 'A') + cookie.slice(middle + 1);
  for (const wrong of [undefined, '', changed, cookie.slice(0, -4), 'x'.repeat(40)])
    await expect(signInWith().finish('code=1', wrong)).rejects.toMatchObject(failed);
  await expect(signInWith(`another ${SECRET}`).finish('code=1', cookie)).rejects.toMatchObject(failed);
  now += SIGN_IN_LASTS_MS;
  await expect(signInWith().finish('code=1', cookie)).rejects.toMatchObject(failed);
  expect(exchanged).toEqual([]);
});

test('a sign-in that began before a rotation of the secret is finished after it', async () => {
  const { cookie } = await signInWith().begin('/');
  const next = `another ${SECRET}`;
  expect(await signInWith(next, SECRET).finish('code=1', cookie)).toMatchObject({ return_to: '/' });
  await expect(signInWith(next).finish('code=1', cookie)).rejects.toMatchObject(failed);
});

test('a provider that is away is said to be away', async () => {
  const away = () => Promise.reject(new Unavailable('identity_provider', 'away'));
  await expect(new SignIn({ begin: away, exchange: away }, [SECRET]).begin('/')).rejects.toBeInstanceOf(Unavailable);
});

test.each(['/', '/?alert=0190&view=mine', '/a/b?c=%2F%2Fd', '/?next=//evil.example'])(
  '%s is returned to',
  (address) => {
    expect(safeReturn(address)).toBe(address);
  },
);

test.each([
  undefined,
  '',
  'alerts',
  'https://evil.example/',
  '//evil.example/',
  '/\\evil.example/',
  '\\\\evil.example',
  '/\t/evil.example',
  '/\n/evil.example',
  ' //evil.example',
  'javascript:alert(1)',
  '/.//evil.example',
  '/a/..//evil.example',
  '/%2e%2e//evil.example',
  '/é',
  `/${'x'.repeat(2_000)}`,
])('%j is not returned to', (address) => {
  expect(safeReturn(address)).toBe('/');
});
