import { Refused, Unavailable } from '@tocsin/contracts';
import { createLocalJWKSet, errors, type JWK } from 'jose';
import { createPublicKey, KeyObject, type JsonWebKey, type webcrypto } from 'node:crypto';
import { readAtMost } from './read-at-most';

/**
 * How long keys count as current. An issuer that rotates its keys publishes a new key for longer than this before it
 * signs with it.
 */
const CURRENT_MS = 10 * 60_000;
/**
 * How long keys are used while the issuer is away: longer than an outage lasts, and short enough that a forgotten key
 * ends.
 */
const STALE_MS = 24 * 3_600_000;
/**
 * Within this time an unknown `kid` causes at most one request to the issuer, and all unknown ones together
 * `MAX_ASKED`: tokens with an invented `kid` must not become requests.
 */
const COOLDOWN_MS = 30_000;
const MAX_ASKED = 5;
/** How long to wait after a failure before the issuer is asked again. */
const FAILURE_COOLDOWN_MS = 5_000;
const TIMEOUT_MS = 2_000;
const MAX_BYTES = 64 * 1024;
const MIN_RSA_BITS = 2048;

/** The public keys of a token issuer, fetched when needed and cached. At most one request is in flight. */
export class Jwks {
  private usable: readonly JWK[] = [];
  private find: ReturnType<typeof createLocalJWKSet> | undefined;
  private readonly keys = new WeakMap<webcrypto.CryptoKey, KeyObject>();
  private fetchedAt = -Infinity;
  private failure: { at: number; error: unknown } | undefined;
  private fetching: Promise<void> | undefined;
  /** When the issuer was asked for a `kid` that was not among its keys. */
  private readonly asked = new Map<string | undefined, number>();

  constructor(private readonly url: URL) {}

  /**
   * The key that the header names. Throws `Refused` (`invalid_token`) when the issuer has no such key, and
   * `Unavailable` when the issuer cannot be asked.
   */
  async keyFor(header: { alg: string; kid?: string }): Promise<KeyObject> {
    await this.renew();
    try {
      const key = await this.lookUp(header).catch(async (error: unknown) => {
        if (!(error instanceof errors.JWKSNoMatchingKey)) throw error;
        await this.askFor(header.kid);
        return this.lookUp(header);
      });
      return this.keys.get(key) ?? this.keep(key);
    } catch (error) {
      if (error instanceof Refused || error instanceof Unavailable) throw error;
      throw new Refused('invalid_token', 'The token is not valid.', { cause: error });
    }
  }

  /** Makes sure that there are keys. Throws `Unavailable`. */
  async renew(): Promise<void> {
    const age = Date.now() - this.fetchedAt;
    if (age < CURRENT_MS) return;
    const renewed = this.reload();
    if (age >= STALE_MS) await renewed;
    else renewed.catch(() => undefined);
  }

  private lookUp(header: { alg: string; kid?: string }): Promise<webcrypto.CryptoKey> {
    return this.find!(header) as Promise<webcrypto.CryptoKey>;
  }

  /**
   * Only the issuer can say whether an unknown key is new or invented. While the issuer is away the token may be good,
   * so this throws `Unavailable`.
   */
  private async askFor(kid: string | undefined): Promise<void> {
    if (this.failure === undefined && this.fetching === undefined) {
      const now = Date.now();
      for (const [name, at] of this.asked) if (now - at >= COOLDOWN_MS) this.asked.delete(name);
      if (this.asked.has(kid) || this.asked.size >= MAX_ASKED) return;
      this.asked.set(kid, now);
    }
    await this.reload();
  }

  private keep(cryptoKey: webcrypto.CryptoKey): KeyObject {
    const key = KeyObject.from(cryptoKey);
    this.keys.set(cryptoKey, key);
    return key;
  }

  /** Asks the issuer, but not again right after a failure. Throws `Unavailable` and keeps the earlier keys. */
  private async reload(): Promise<void> {
    try {
      if (this.failure && Date.now() - this.failure.at < FAILURE_COOLDOWN_MS) throw this.failure.error;
      await (this.fetching ??= this.fetch().finally(() => (this.fetching = undefined)));
    } catch (error) {
      throw new Unavailable('issuer', 'The keys of the token issuer cannot be had.', {
        technology: 'jwks',
        cause: error,
      });
    }
  }

  private async fetch(): Promise<void> {
    try {
      const usable = this.usableOf(await readKeys(this.url));
      this.find = createLocalJWKSet({ keys: usable });
      this.usable = usable;
      this.fetchedAt = Date.now();
      this.failure = undefined;
    } catch (error) {
      this.failure = { at: Date.now(), error };
      throw error;
    }
  }

  /**
   * The keys to use from now on. A key that is broken or of an unknown kind is ignored (RFC 7517, section 5): the other
   * keys count, and the earlier key with the same `kid` stays. Throws when no key can be used.
   */
  private usableOf(keys: readonly unknown[]): JWK[] {
    const usable = keys.filter(isUsable);
    if (usable.length === 0) throw new Error('The token issuer has no key that can be used.');
    const named = new Set(usable.map(({ kid }) => kid));
    const unusable = new Set(keys.filter((key) => !isUsable(key)).map((key) => (key as { kid?: unknown } | null)?.kid));
    const kept = this.usable.filter(({ kid }) => kid !== undefined && unusable.has(kid) && !named.has(kid));
    return [...usable, ...kept];
  }
}

/**
 * Fetches the keys, bounded in time and size. It follows no redirect, so that keys come from the configured address
 * only.
 */
async function readKeys(url: URL): Promise<readonly unknown[]> {
  const response = await fetch(url, {
    redirect: 'manual',
    headers: { Accept: 'application/json' },
    signal: AbortSignal.timeout(TIMEOUT_MS),
  });
  const body = await readAtMost(response, MAX_BYTES);
  if (response.status !== 200) throw new Error(`The token issuer answered ${response.status}.`);
  const { keys } = (JSON.parse(body.toString()) ?? {}) as { keys?: unknown };
  if (!Array.isArray(keys)) throw new Error('The token issuer did not answer with a JWKS.');
  return keys as unknown[];
}

/**
 * Whether the key is public, can verify signatures and is long enough. A private key is refused: its owner is no longer
 * the only one who has it.
 */
function isUsable(key: unknown): key is JWK {
  try {
    const { use = 'sig', key_ops = ['verify'], d } = key as JWK;
    if (use !== 'sig' || d !== undefined || !Array.isArray(key_ops) || !key_ops.includes('verify')) return false;
    const { asymmetricKeyType, asymmetricKeyDetails } = createPublicKey({ key: key as JsonWebKey, format: 'jwk' });
    const { modulusLength = 0, publicExponent = 0n } = asymmetricKeyDetails ?? {};
    return asymmetricKeyType === 'rsa'
      ? modulusLength >= MIN_RSA_BITS && publicExponent >= 3n
      : asymmetricKeyType === 'ec';
  } catch {
    return false;
  }
}
