import { brotliDecompressSync, gunzipSync, inflateRawSync, inflateSync } from 'node:zlib';
import type { MessageErrorCode } from '@tocsin/contracts';

export type Decompressed = { ok: true; bytes: Uint8Array } | { ok: false; code: MessageErrorCode; detail: string };

type Decompress = (bytes: Uint8Array, options: { maxOutputLength: number }) => Uint8Array;

const gzip: Decompress = gunzipSync;
/** HTTP means zlib's format by it, and some send the bare one. */
const deflate: Decompress = (bytes, options) => {
  try {
    return inflateSync(bytes, options);
  } catch (error) {
    if (isTooLarge(error)) throw error;
    return inflateRawSync(bytes, options);
  }
};
const ENCODINGS: Readonly<Record<string, Decompress>> = { gzip, 'x-gzip': gzip, deflate, br: brotliDecompressSync };
/** More than one after the other is rare, and more than this is no sender's intention. */
const MOST = 3;

/**
 * Bytes as they were before they were compressed, by what the transport says of them: `gzip`, `deflate`, `br`, or some in
 * turn. Whatever else senders write there (`utf-8`, `binary`, Spring's `gzip:UTF-8`) says nothing about compression. No more
 * than `maxBytes` are ever written: what would be longer is too large.
 */
export function decompress(bytes: Uint8Array, contentEncoding: string | undefined, maxBytes: number): Decompressed {
  if (!contentEncoding) return { ok: true, bytes };
  const names = contentEncoding
    .slice(0, 100)
    .toLowerCase()
    .split(/[\s,:;]+/)
    .filter((name) => Object.hasOwn(ENCODINGS, name));
  if (names.length > MOST) return undone(contentEncoding);
  let plain = bytes;
  for (const name of names.reverse()) {
    try {
      plain = ENCODINGS[name]!(plain, { maxOutputLength: maxBytes });
    } catch (error) {
      if (isTooLarge(error))
        return {
          ok: false,
          code: 'message_too_large',
          detail: `At most ${maxBytes} bytes are accepted, counted after they were decompressed.`,
        };
      return isJson(bytes) ? { ok: true, bytes } : undone(name);
    }
  }
  return { ok: true, bytes: plain };
}

const isTooLarge = (error: unknown): boolean => (error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE';

/** Something on the way has decompressed it and left the word: no compressed format begins with a brace. */
const isJson = (bytes: Uint8Array): boolean => bytes[0] === 0x7b || bytes[0] === 0x5b;

const undone = (name: string): Decompressed => ({
  ok: false,
  code: 'invalid_encoding',
  detail: `The content_encoding says ${name.slice(0, 100)}, and the bytes cannot be decompressed so.`,
});
