import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { brotliDecompressSync, gunzipSync } from 'node:zlib';
import { chooseEncoding, PageFiles } from './page-files';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tocsin-page-'));
  mkdirSync(join(folder, 'assets'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));
const write = (name: string, text = name) => writeFileSync(join(folder, name), text);

test('a page that was not built is undefined', () => {
  expect(PageFiles.read(folder)).toBeUndefined();
  expect(PageFiles.read(join(folder, 'nowhere'))).toBeUndefined();
});

test('a file is found by its name under assets, and nothing else is', () => {
  for (const name of ['index.html', 'assets/a-1.js', 'assets/a-1.js.br', 'assets/a-1.js.gz', 'assets/notes.txt'])
    write(name);
  const files = PageFiles.read(folder)!;
  expect(files.index.bytes.get('identity')?.toString()).toBe('index.html');
  expect(files.asset('a-1.js')).toMatchObject({ type: 'text/javascript; charset=utf-8' });
  for (const name of ['', '../index.html', 'notes.txt', 'a-1.js.br', '__proto__'])
    expect(files.asset(name)).toBeUndefined();
});

test('a meta element can be added, in each encoding', () => {
  write('index.html', '<head></head>');
  write('index.html.gz', 'from the build');
  const told = PageFiles.read(folder)!.withMeta('tocsin-token-url', '/token?a=$1&b').index.bytes;
  expect(told.get('identity')?.toString()).toContain('<meta name="tocsin-token-url" content="/token?a=$1&b" />');
  expect([gunzipSync(told.get('gzip')!), brotliDecompressSync(told.get('br')!)]).toEqual([
    told.get('identity'),
    told.get('identity'),
  ]);
});

test('below a base path the page finds its files there, and tells its scripts the path', () => {
  write('index.html', '<head><script type="module" src="/assets/a.js"></script></head>');
  const files = PageFiles.read(folder)!;
  expect(files.below('')).toBe(files);
  expect(files.below('/tocsin').index.bytes.get('identity')?.toString()).toBe(
    '<head><script type="module" src="/tocsin/assets/a.js"></script>' +
      '  <meta name="tocsin-base-path" content="/tocsin" />\n  </head>',
  );
});

test.each([
  ['gzip, deflate, br, zstd', 'br'],
  ['gzip', 'gzip'],
  ['br;q=0, gzip;q=0.5', 'gzip'],
  ['identity', 'identity'],
  [undefined, 'identity'],
])('for %s the answer is %s', (accepted, encoding) => {
  const file = {
    type: 'text/css',
    bytes: new Map([
      ['br', Buffer.of()],
      ['gzip', Buffer.of()],
      ['identity', Buffer.of()],
    ]),
  };
  expect(chooseEncoding(file, accepted)).toBe(encoding);
});
