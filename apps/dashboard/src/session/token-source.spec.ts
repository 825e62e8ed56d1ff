import { tokenFrom } from './token-source';

const token = `x.${Buffer.from(JSON.stringify({ sub: 'ana', exp: Date.now() / 1_000 + 60 })).toString('base64url')}.x`;
const answering =
  (body: string | null, status = 200) =>
  () =>
    Promise.resolve(new Response(body, { status }));

test.each([
  ['the token alone', `${token}\n`],
  ['what OAuth calls it', JSON.stringify({ access_token: token, id_token: 'another.one.too' })],
  ['a token in JSON', JSON.stringify({ token })],
])('%s is a token', async (_, body) => {
  expect(await tokenFrom('/token', answering(body))).toBe(token);
});

test.each([401, 403])('%d says that no user is signed in', async (status) => {
  expect(await tokenFrom('/token', answering('{}', status))).toBeNull();
});

test('a redirect says the same, and is not followed to a login page', async () => {
  let asked: RequestInit | undefined;
  const redirecting = (_: unknown, init?: RequestInit) => {
    asked = init;
    return Promise.resolve({ type: 'opaqueredirect', status: 0, ok: false } as Response);
  };
  expect(await tokenFrom('/token', redirecting)).toBeNull();
  expect(asked).toMatchObject({ redirect: 'manual', credentials: 'same-origin', cache: 'no-store' });
});

test.each([
  [503, token],
  [404, 'Not found'],
  [200, '<!doctype html><title>Sign in</title>'],
  [200, '{}'],
  [200, '{"access_token": 7}'],
])('a response of %d with %.20s does not say whether a user is signed in', async (status, body) => {
  await expect(tokenFrom('/token', answering(body, status))).rejects.toThrow('/token gave no token');
});
