import { leavesItsPrefix, proxyRoutes, routeOf } from './proxy-routes';

const read = (list: string) => proxyRoutes.safeParse(list);

it('reads routes, and the longest prefix wins', () => {
  const routes = proxyRoutes.parse(' /auth=http://auth:8000, /auth/admin=https://admin.internal:8443 ');
  const hostOf = (path: string) => routeOf(routes, path)?.target.host;
  expect([hostOf('/auth'), hostOf('/auth/login'), hostOf('/auth/admin/x')]).toEqual([
    'auth:8000',
    'auth:8000',
    'admin.internal:8443',
  ]);
  expect([hostOf('/authority'), hostOf('/'), hostOf('/api/events')]).toEqual([undefined, undefined, undefined]);
  expect(proxyRoutes.parse('')).toEqual([]);
});

it.each([
  ['auth=http://auth', /path such as/],
  ['/=http://auth', /path such as/],
  ['/auth/../x=http://auth', /path such as/],
  ['/auth', /address is expected/],
  ['/auth=ftp://auth', /address is expected/],
  ['/auth=http://auth/path', /no user, path or query/],
  ['/auth=http://user:secret@auth', /no user, path or query/],
  ['/api/auth=http://auth', /gateway itself answers/],
  ['/docs=http://auth', /gateway itself answers/],
  ['/U/x=http://auth', /gateway itself answers/],
  ['/b=http://a,/b=http://b', /twice/],
])('%s is refused, and no password is quoted', (list, says) => {
  const { error } = read(list);
  expect(error?.issues.map(({ message }) => message).join()).toMatch(says);
  expect(error?.issues.map(({ message }) => message).join()).not.toContain('secret');
});

it.each([
  '/auth/..',
  '/auth/../admin',
  '/auth/%2e%2E/admin',
  '/auth/..%2fadmin',
  '/auth/.%5cadmin',
  '/auth/./x',
  '/auth/..;/x',
])('%s could lead out of its prefix', (path) => expect(leavesItsPrefix(path)).toBe(true));
it.each(['/auth', '/auth/a.b', '/auth/...', '/auth/.well-known/x', '/auth/a..b'])('%s does not', (path) =>
  expect(leavesItsPrefix(path)).toBe(false),
);
