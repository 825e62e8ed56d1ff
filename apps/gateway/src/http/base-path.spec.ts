import { contradictions } from '../config';
import { basePath, belowBasePath } from './base-path';
import { proxyRoutes } from './proxy-routes';

test.each([
  [undefined, ''],
  ['', ''],
  ['/', ''],
  ['/tocsin', '/tocsin'],
  ['/tools/tocsin.v2/', '/tools/tocsin.v2'],
])('%s is the base path %j', (given, base) => expect(basePath.parse(given)).toBe(base));

test.each(['tocsin', '//host', '/a//b', '/a b', '/a?b', '/..', '/a/./b', '/:tenant', '/a*'])(
  '%s is no base path',
  (given) => expect(basePath.safeParse(given).success).toBe(false),
);

test('links of a page lead below the base path, and those to other hosts stay', () => {
  const page = '<a href="/docs">a</a> <script src="/x.js"></script> <a href="//host/b"></a> <a href="https://c/">c</a>';
  expect(belowBasePath(page, '')).toBe(page);
  expect(belowBasePath(page, '/t')).toBe(
    '<a href="/t/docs">a</a> <script src="/t/x.js"></script> <a href="//host/b"></a> <a href="https://c/">c</a>',
  );
});

test.each([
  [{ PUBLIC_URL: 'https://example.org/tocsin' }, []],
  [{}, []],
  [{ PUBLIC_URL: 'https://example.org' }, ['PUBLIC_URL']],
  [{ PROXY_ROUTES: proxyRoutes.parse('/tocsin=http://other:1') }, ['PROXY_ROUTES']],
  [{ PROXY_ROUTES: proxyRoutes.parse('/tocsin/api=http://other:1') }, ['PROXY_ROUTES']],
  [{ PROXY_ROUTES: proxyRoutes.parse('/tocsin/u=http://other:1') }, ['PROXY_ROUTES']],
  [{ PROXY_ROUTES: proxyRoutes.parse('/tocsin/auth=http://other:1,/tocsinapi=http://other:1') }, []],
])('with BASE_PATH=/tocsin, %j has the problems %j', (settings, problems) => {
  const found = contradictions({
    STREAM_BACKLOG_BYTES: 1e6,
    MAX_EVENT_BYTES: 65_536,
    BASE_PATH: '/tocsin',
    ...settings,
  });
  expect(found.map((sentence) => sentence.split(' ')[0])).toEqual(problems);
});
