import { SessionCookies } from './session-cookies';
import { SessionDoor } from './session-door';

const ORIGIN = 'https://tocsin.example.com';
const door = (cookies = new SessionCookies(ORIGIN)) =>
  new SessionDoor({
    cookies,
    signIn: {} as never,
    sessions: { rightOf: (secret: string) => Promise.resolve({ token: secret }) } as never,
    origins: new Set([ORIGIN]),
  });
const cookie = '__Host-tocsin_session=secret';
const asked = (method: string, headers: Record<string, string> = {}) =>
  door().tokenOf({ method, headers: { cookie, ...headers } });

test('a cookie reads without an Origin, and from any', async () => {
  expect(await asked('GET')).toEqual({ token: 'secret' });
  expect(await asked('HEAD', { origin: 'https://evil.example' })).toEqual({ token: 'secret' });
});

test.each(['POST', 'PUT', 'PATCH', 'DELETE'])('%s with a cookie needs the Origin of the page', async (method) => {
  expect(await asked(method, { origin: ORIGIN })).toEqual({ token: 'secret' });
  expect(await asked(method, { 'sec-fetch-site': 'same-origin' })).toEqual({ token: 'secret' });
  const foreign: Record<string, string>[] = [
    {},
    { origin: 'null' },
    { origin: 'https://evil.example' },
    { origin: `${ORIGIN}.evil.example` },
    { origin: 'http://tocsin.example.com' },
    { origin: 'https://evil.example', 'sec-fetch-site': 'same-origin' },
    { 'sec-fetch-site': 'same-site' },
    { referer: `${ORIGIN}/` },
  ];
  for (const headers of foreign)
    await expect(asked(method, headers)).rejects.toMatchObject({ code: 'cross_site_request' });
});

test('over https a cookie without the prefix of the host is none, and without a provider no cookie is', async () => {
  expect(await door().tokenOf({ method: 'GET', headers: { cookie: 'tocsin_session=secret' } })).toBeUndefined();
  expect(await new SessionDoor(undefined).tokenOf({ method: 'GET', headers: { cookie } })).toBeUndefined();
  expect(new SessionCookies(ORIGIN).options()).toMatchObject({
    httpOnly: true,
    secure: true,
    sameSite: 'lax',
    path: '/',
  });
  expect(new SessionCookies('http://localhost:8000').session).toBe('tocsin_session');
});
