import { Refused, Unavailable } from '@tocsin/contracts';
import { createLocalJWKSet, errors, type JWK } from 'jose';
import { createPublicKey, KeyObject, type JsonWebKey, type webcrypto } from 'node:crypto';
import { readAtMost } from './read-at-most';

/** How long keys count as current. An issuer that rotates publishes the new key for longer than this before it signs with it. */
const CURRENT_MS = 10 * 60_000;
/** How long they are used when the issuer is away: longer than an outage, shorter than a forgotten key. */
const STALE_MS = 24 * 3_600_000;
/** In this time one unknown `kid` makes us ask once, and all of them this often: tokens with invented ones must not become requests. */
const COOLDOWN_MS = 30_000;
const MAX_ASKED = 5;
/** How long a failure is remembered before the issuer is asked again. */
const FAILURE_COOLDOWN_MS = 5_000;
const TIMEOUT_MS = 2_000;
const MAX_BYTES = 64 * 1024;
const MIN_RSA_BITS = 2048;

/** The public keys of a token issuer, fetched when needed and kept. One request is in flight at most. */
export class Jwks {
  private usable: readonly JWK[] = [];
  private find: ReturnType<typeof createLocalJWKSet> | undefined;
  private readonly keys = new WeakMap<webcrypto.CryptoKey, KeyObject>();
  private fetchedAt = -Infinity;
  private failure: { at: number; error: unknown } | undefined;
  private fetching: Promise<void> | undefined;
  /** When the issuer was asked for a `kid` that its keys lacked. */
  private readonly asked = new Map<string | undefined, number>();

  constructor(private readonly url: URL) {}

  /**
   * The key that the header names. Throws `Refused` (`invalid_token`) when the issuer has no such key and `Unavailable`
   * when that cannot be known.
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

  /** Whether a key is new or invented only the issuer can say. While it is away nobody can, and the token may be good. */
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

  /** Asks the issuer, and not again right after a failure. Throws `Unavailable`; the keys are then those of before. */
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
   * The keys to go on with. One that cannot be used, whether it is broken or of a kind that is not known here, takes nothing
   * away (RFC 7517, section 5): the others count, and the key that its `kid` named before stays.
   * Throws when nothing can be used.
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

/** Within bounds of time and size, and without following a redirect: an address that was not configured gives no keys. */
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

/** A public key that signatures can be verified by, and long enough. A private one has no business here: its owner no longer owns it alone. */
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
