import { Refused, Unavailable } from '@tocsin/contracts';
import { createRemoteJWKSet, customFetch, errors } from 'jose';
import { KeyObject, type webcrypto } from 'node:crypto';
import { readAtMost } from './read-at-most';

/** How long keys count as current. An issuer that rotates publishes the new key for longer than this before it signs with it. */
const CURRENT_MS = 10 * 60_000;
/** How long they are used when the issuer is away: longer than an outage, shorter than a forgotten key. */
const STALE_MS = 24 * 3_600_000;
/** How often a `kid` that nobody knows may make us ask: tokens with invented ones must not become requests. */
const COOLDOWN_MS = 30_000;
/** How long a failure is remembered before the issuer is asked again. */
const FAILURE_COOLDOWN_MS = 5_000;
const TIMEOUT_MS = 2_000;
const MAX_BYTES = 64 * 1024;
const MIN_RSA_BITS = 2048;

/** The public keys of a token issuer, fetched when needed and kept. One request is in flight at most. */
export class Jwks {
  private readonly remote: ReturnType<typeof createRemoteJWKSet>;
  private readonly keys = new WeakMap<webcrypto.CryptoKey, KeyObject>();
  private fetchedAt = -Infinity;
  private failure: { at: number; error: unknown } | undefined;

  constructor(url: URL) {
    // jose would refuse to go on with keys past their age; when to renew them is therefore decided here.
    this.remote = createRemoteJWKSet(url, { timeoutDuration: TIMEOUT_MS, cooldownDuration: COOLDOWN_MS, cacheMaxAge: Infinity, [customFetch]: this.fetch });
  }

  /**
   * The key that the header names. Throws `Refused` (`invalid_token`) when the issuer has no such key and `Unavailable`
   * when that cannot be known.
   */
  async keyFor(header: { alg: string; kid?: string }): Promise<KeyObject> {
    await this.renew();
    try {
      const key = (await this.remote(header)) as webcrypto.CryptoKey;
      return this.keys.get(key) ?? this.keep(key);
    } catch (error) {
      if (error instanceof Refused) throw error;
      if (error instanceof errors.JWKSNoMatchingKey || error instanceof errors.JWKSMultipleMatchingKeys || error instanceof errors.JOSENotSupported) {
        throw new Refused('invalid_token', 'The token is not valid.', { cause: error });
      }
      throw new Unavailable('jwks', 'The keys of the token issuer cannot be had.', { cause: error });
    }
  }

  /** Makes sure that there are keys. Throws `Unavailable`. */
  async renew(): Promise<void> {
    const age = Date.now() - this.fetchedAt;
    if (age < CURRENT_MS) return;
    const reloaded = this.remote.reload().catch((error: unknown) => {
      if (age >= STALE_MS) throw new Unavailable('jwks', 'The keys of the token issuer cannot be had.', { cause: error });
    });
    if (age >= STALE_MS) await reloaded;
  }

  private keep(cryptoKey: webcrypto.CryptoKey): KeyObject {
    const key = KeyObject.from(cryptoKey);
    const { modulusLength } = key.asymmetricKeyDetails ?? {};
    if (key.type !== 'public' || (modulusLength !== undefined && modulusLength < MIN_RSA_BITS)) throw new Refused('invalid_token', 'The token is not valid.');
    this.keys.set(cryptoKey, key);
    return key;
  }

  /** jose's way out: within bounds, and not again right after a failure. */
  private readonly fetch = async (url: string, init: { headers: Headers; method: 'GET'; redirect: 'manual'; signal: AbortSignal }): Promise<Response> => {
    if (this.failure && Date.now() - this.failure.at < FAILURE_COOLDOWN_MS) throw this.failure.error;
    try {
      const response = await fetch(url, init);
      const body = await readAtMost(response, MAX_BYTES);
      if (response.status !== 200) throw new Error(`The token issuer answered ${response.status}.`);
      const answer = new Response(body, { status: 200 });
      if (!isJwks(await answer.clone().json())) throw new Error('The token issuer did not answer with a JWKS.');
      this.fetchedAt = Date.now();
      this.failure = undefined;
      return answer;
    } catch (error) {
      this.failure = { at: Date.now(), error };
      throw error;
    }
  };
}

function isJwks(value: unknown): boolean {
  const { keys } = (value ?? {}) as { keys?: unknown };
  return Array.isArray(keys) && keys.length > 0 && keys.every((key) => typeof key === 'object' && key !== null && !Array.isArray(key));
}
