import { createHmac, sign, type KeyObject } from 'node:crypto';

/**
 * The secret of the HS256 tokens in these tests. It is long enough to be accepted, and easy to find where it must not
 * appear.
 */
export const JWT_SECRET = 'canary-jwt-secret-of-the-end-to-end-tests';

const encode = (value: unknown): string =>
  Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url');

export interface TokenParts {
  /** Default `{ alg: 'HS256', typ: 'JWT' }`. */
  header?: Record<string, unknown>;
  claims?: Record<string, unknown>;
  /** Default `JWT_SECRET`. A private key signs by RSA with SHA-256; null leaves the signature empty. */
  key?: string | KeyObject | null;
}

/** A JWT as another issuer would make it, with node:crypto alone: every fault in it is intended. */
export function makeToken({
  header = { alg: 'HS256', typ: 'JWT' },
  claims = {},
  key = JWT_SECRET,
}: TokenParts = {}): string {
  const signed = `${encode(header)}.${encode(claims)}`;
  return `${signed}.${signatureOf(signed, String(header.alg), key)}`;
}

function signatureOf(signed: string, algorithm: string, key: TokenParts['key']): string {
  if (key === null || key === undefined) return '';
  if (typeof key !== 'string') return sign('sha256', Buffer.from(signed), key).toString('base64url');
  return createHmac(algorithm === 'HS512' ? 'sha512' : 'sha256', key)
    .update(signed)
    .digest('base64url');
}

export const nowSeconds = (): number => Math.floor(Date.now() / 1000);

/** A user's valid token for one hour, unless the claims say otherwise. */
export const tokenFor = (user: string, claims: Record<string, unknown> = {}): string =>
  makeToken({ claims: { sub: user, iat: nowSeconds(), exp: nowSeconds() + 3_600, ...claims } });

/** A service's valid token, which may only publish. */
export const publisherToken = (claims: Record<string, unknown> = {}): string =>
  tokenFor('service', { scope: 'events:publish', ...claims });
