import { gunzipSync, gzipSync } from 'node:zlib';

/** Payloads whose JSON is at least this long are compressed, in bytes. */
export const DEFAULT_COMPRESS_ABOVE_BYTES = 8_192;

/** A payload as a provider keeps it: one of the two. */
export interface EncodedPayload {
  json: string | null;
  gzip: Buffer | null;
}

/** `null` as the second argument turns compression off. What compression would not make smaller stays as it is. */
export function encodePayload(payload: unknown, compressAboveBytes: number | null): EncodedPayload {
  const json = JSON.stringify(payload ?? null);
  if (compressAboveBytes === null || json.length < compressAboveBytes) return { json, gzip: null };
  const gzip = gzipSync(json);
  return gzip.length < json.length ? { json: null, gzip } : { json, gzip: null };
}

export const decodePayload = ({ json, gzip }: EncodedPayload): unknown =>
  JSON.parse(gzip ? gunzipSync(gzip).toString('utf8') : (json ?? 'null'));
