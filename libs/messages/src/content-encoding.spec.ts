import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync } from 'node:zlib';
import { MAX_MESSAGE_BYTES } from './parse-alert-message';
import { decompress } from './content-encoding';
import { parseMessages } from './read-messages';

const message = { tenant_id: 'bakery', service: 'ovens', severity: 'low', id: 'a', title: 'Kält' };
const plain = Buffer.from(JSON.stringify(message));
const read = (bytes: Uint8Array, content_encoding?: string) => parseMessages(bytes, { content_encoding }).messages;

it.each<[string | undefined, Buffer]>([
  ['gzip', gzipSync(plain)],
  ['GZIP', gzipSync(plain)],
  ['x-gzip', gzipSync(plain)],
  ['deflate', deflateSync(plain)],
  ['deflate', deflateRawSync(plain)],
  ['br', brotliCompressSync(plain)],
  ['gzip, br', brotliCompressSync(gzipSync(plain))],
  ['gzip:UTF-8', gzipSync(plain)],
  ['deflate:utf-8', deflateSync(plain)],
  // values that senders set but that say nothing about compression
  ['utf-8', plain],
  ['UTF-8', plain],
  ['identity', plain],
  ['binary', plain],
  ['', plain],
  [undefined, plain],
  // a proxy has decompressed it
  ['gzip', plain],
  ['br', plain],
])('a body that says %j is read', (encoding, bytes) =>
  expect(read(bytes, encoding)).toMatchObject([{ ok: true, message }]),
);

it.each<[string, Buffer, string]>([
  ['gzip', Buffer.from('no gzip'), 'The content_encoding says gzip'],
  ['gzip', gzipSync(plain).subarray(0, 20), 'The content_encoding says gzip'],
  ['deflate', gzipSync(plain), 'The content_encoding says deflate'],
  ['gzip', Buffer.alloc(0), 'The content_encoding says gzip'],
  ['br,br,br,br', plain, 'The content_encoding says br,br,br,br'],
])('a body that says %s and is none is refused for that', (encoding, bytes, detail) => {
  expect(read(bytes, encoding)).toMatchObject([
    { ok: false, code: 'invalid_encoding', errors: [{ detail: expect.stringContaining(detail) }] },
  ]);
});

it('what is compressed and does not say so is told', () => {
  expect(read(gzipSync(plain))).toMatchObject([
    { ok: false, code: 'invalid_utf8', errors: [{ detail: expect.stringContaining('gzip, and no content_encoding') }] },
  ]);
});

describe('a bomb', () => {
  const zeros = Buffer.alloc(50 * 1024 * 1024);
  const bombs: [string, Buffer][] = [
    ['gzip', gzipSync(zeros)],
    ['deflate', deflateSync(zeros)],
    ['deflate', deflateRawSync(zeros)],
    ['br', brotliCompressSync(zeros)],
    ['gzip,gzip', gzipSync(gzipSync(zeros))],
  ];

  it.each(bombs)('of %s is too large, and is not written out', (encoding, bytes) => {
    const before = process.memoryUsage().arrayBuffers;
    // of the CPU: by the clock it also takes what other processes do meanwhile
    const costs = Array.from({ length: 3 }, () => {
      const since = process.cpuUsage();
      expect(read(bytes, encoding)).toMatchObject([{ ok: false, code: 'message_too_large' }]);
      const { user, system } = process.cpuUsage(since);
      return (user + system) / 1_000;
    });
    // other threads of the process use its CPU time too: V8 compiles the test runner and collects its garbage
    expect(Math.min(...costs)).toBeLessThan(250);
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(8 * 1024 * 1024);
  });

  it('is counted to the byte', () => {
    expect(decompress(gzipSync(Buffer.alloc(MAX_MESSAGE_BYTES)), 'gzip', MAX_MESSAGE_BYTES)).toMatchObject({
      ok: true,
    });
    expect(decompress(gzipSync(Buffer.alloc(MAX_MESSAGE_BYTES + 1)), 'gzip', MAX_MESSAGE_BYTES)).toMatchObject({
      ok: false,
      code: 'message_too_large',
    });
  });
});
