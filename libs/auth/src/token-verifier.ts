import { JwtService } from '@nestjs/jwt';
import { Refused } from '@tocsin/contracts';
import type { User } from '@tocsin/contracts/ports';
import { LRUCache } from 'lru-cache';
import { createSecretKey, type KeyObject } from 'node:crypto';
import { Jwks } from './jwks';
import { scopesOf, type Scope } from './scopes';
import type { AuthSettings, PublicKeyAlgorithm } from './settings';

/** The longest token that a header or an address can carry. */
const MAX_TOKEN_BYTES = 8 * 1024;
/** How far the issuer's clock may be ahead of ours. Never granted to `exp`. */
const CLOCK_TOLERANCE_S = 30;
const TOKEN_TYPES = [undefined, 'jwt', 'at+jwt', 'application/at+jwt'];
/**
 * How many verified tokens are cached, so that they are not verified again: clients that reconnect together send the
 * same tokens as before.
 */
const MAX_KEPT = 20_000;
const MAX_KEPT_CHARACTERS = 16 * 1024 * 1024;
const KID = /^[\x21-\x7e]{1,128}$/;
const CONTROL_CHARACTERS = /[\u0000-\u001f\u007f]/; // eslint-disable-line no-control-regex

/** The content of a verified token. It is a `User`, so the tenant directory may be asked with it. */
export interface VerifiedToken extends User {
  scopes: ReadonlySet<Scope>;
  /** When the token ends, in epoch milliseconds. */
  expires_at: number;
  /** When the token was issued, in epoch milliseconds, mostly of a whole second; null when the token does not say. */
  issued_at: number | null;
  jti: string | null;
  /** The session whose token it is; absent when the token itself was sent. */
  session?: SessionRight;
}

/** The session that a token belongs to. Times are epoch milliseconds. */
export interface SessionRight {
  session_id: string;
  /** When its token should be renewed; `ends_at` when it cannot be. */
  renew_at: number;
  /** When the session ends, however much it is used. */
  ends_at: number;
}

/** A verified token in the cache. It is used as long as the key that verified it is still in use. */
interface Kept {
  verified: VerifiedToken;
  /** The key of an issuer, and the header that names it. */
  signer: { header: Header; key: KeyObject } | undefined;
}

interface Header {
  alg: string;
  kid?: string;
}

/**
 * Verifies tokens: HS256 with a secret (or the secret before it), or with an issuer's public keys. The configuration
 * decides which algorithms are accepted, never a token's header.
 */
export class TokenVerifier {
  private readonly algorithms: readonly ('HS256' | PublicKeyAlgorithm)[];
  private readonly secrets: readonly JwtService[];
  private readonly jwks: Jwks | undefined;
  private readonly byKey = new WeakMap<KeyObject, JwtService>();
  /** By the complete token. Beyond either bound the least recently used tokens are dropped. */
  private readonly kept = new LRUCache<string, Kept>({
    max: MAX_KEPT,
    maxSize: MAX_KEPT_CHARACTERS,
    sizeCalculation: (_, token) => token.length,
  });

  constructor(
    private readonly settings: Pick<
      AuthSettings,
      'JWT_SECRET' | 'JWT_SECRET_PREVIOUS' | 'JWT_JWKS_URL' | 'JWT_JWKS_ALGORITHMS' | 'JWT_ISSUER' | 'JWT_AUDIENCE'
    >,
    private readonly now: () => number = Date.now,
  ) {
    const { JWT_SECRET, JWT_SECRET_PREVIOUS, JWT_JWKS_URL, JWT_JWKS_ALGORITHMS } = settings;
    this.jwks = JWT_JWKS_URL ? new Jwks(new URL(JWT_JWKS_URL)) : undefined;
    this.algorithms = JWT_JWKS_URL ? JWT_JWKS_ALGORITHMS : ['HS256'];
    // A secret as a string becomes a key again for each token, which costs forty times the verification.
    this.secrets = JWT_JWKS_URL
      ? []
      : [JWT_SECRET, JWT_SECRET_PREVIOUS]
          .filter((secret) => secret !== undefined)
          .map((secret) => new JwtService({ secret: createSecretKey(secret, 'utf8') }));
  }

  /**
   * Throws `Refused`: `missing_credentials`, `token_expired`, `token_not_yet_valid`, and `invalid_token` for every
   * other fault, so that an attacker learns nothing from the code. Throws `Unavailable` (`jwks`) when the keys cannot
   * be fetched.
   */
  async verify(token: string | undefined): Promise<VerifiedToken> {
    if (!token) throw new Refused('missing_credentials', 'A token is needed.');
    const kept = this.kept.get(token);
    if (kept && (await this.stillHolds(kept))) return kept.verified;
    const header = readHeader(token);
    if (!header || !this.algorithms.some((algorithm) => algorithm === header.alg)) throw invalid();
    const key = await this.jwks?.keyFor(header);
    const claims = this.check(token, key ? [this.verifierFor(key)] : this.secrets);

    const nowMs = this.now();
    if (typeof claims.exp !== 'number' || !Number.isFinite(claims.exp)) throw invalid();
    if (claims.iat !== undefined && typeof claims.iat !== 'number') throw invalid();
    const userId = userIdOf(claims);
    if (userId === undefined) throw invalid();
    if (claims.exp * 1000 <= nowMs) throw new Refused('token_expired', 'The token has expired.');
    if (claims.iat !== undefined && claims.iat * 1000 > nowMs + CLOCK_TOLERANCE_S * 1000) throw notYetValid();
    const verified: VerifiedToken = {
      user_id: userId,
      scopes: scopesOf(claims),
      expires_at: Math.floor(claims.exp * 1000),
      issued_at: claims.iat === undefined ? null : Math.floor(claims.iat * 1000),
      jti: typeof claims.jti === 'string' ? claims.jti : null,
      claims,
      token,
    };
    this.kept.set(token, { verified, signer: key && { header, key } });
    return verified;
  }

  /**
   * Whether the cached token is still valid: not expired, and its issuer still has the key. Revocation is checked
   * elsewhere.
   */
  private async stillHolds({ verified, signer }: Kept): Promise<boolean> {
    if (verified.expires_at <= this.now()) return false;
    return !signer || (await this.jwks!.keyFor(signer.header).catch(() => undefined)) === signer.key;
  }

  /** Resolves when tokens can be verified. Throws `Unavailable` when the issuer's keys cannot be fetched. */
  async checkKeys(): Promise<void> {
    await this.jwks?.renew();
  }

  /** The claims, once one of the keys has verified the token. */
  private check(token: string, verifiers: readonly JwtService[]): Record<string, unknown> {
    const { JWT_ISSUER: issuer, JWT_AUDIENCE: audience } = this.settings;
    let failure: unknown;
    for (const verifier of verifiers) {
      try {
        const claims: unknown = verifier.verify(token, {
          algorithms: [...this.algorithms],
          ...(issuer ? { issuer } : {}),
          ...(audience ? { audience } : {}),
          clockTimestamp: Math.floor(this.now() / 1000),
          clockTolerance: CLOCK_TOLERANCE_S,
          ignoreExpiration: true, // the caller checks the expiry, without that tolerance
        });
        if (typeof claims === 'object' && claims !== null && !Array.isArray(claims))
          return claims as Record<string, unknown>;
        throw invalid();
      } catch (error) {
        if ((error as Error).name === 'NotBeforeError') throw notYetValid();
        failure = error;
      }
    }
    throw invalid(failure);
  }

  private verifierFor(key: KeyObject): JwtService {
    const known = this.byKey.get(key) ?? new JwtService({ publicKey: key });
    this.byKey.set(key, known);
    return known;
  }
}

const invalid = (cause?: unknown) => new Refused('invalid_token', 'The token is not valid.', { cause });
const notYetValid = () => new Refused('token_not_yet_valid', 'The token is not valid yet.');

/** The part of a header that matters; undefined for a header that is not acceptable. */
function readHeader(token: string): Header | undefined {
  const [encoded, ...rest] = token.split('.', 4);
  if (!encoded || rest.length !== 2 || Buffer.byteLength(token) > MAX_TOKEN_BYTES) return undefined;
  let header: unknown;
  try {
    header = JSON.parse(Buffer.from(encoded, 'base64url').toString());
  } catch {
    return undefined;
  }
  if (typeof header !== 'object' || header === null || Array.isArray(header)) return undefined;
  const { alg, kid, typ, crit } = header as Record<string, unknown>;
  // A token with "crit" must be refused by a verifier that does not understand its extensions, and none is supported
  // here.
  if (typeof alg !== 'string' || crit !== undefined) return undefined;
  if (kid !== undefined && !(typeof kid === 'string' && KID.test(kid))) return undefined;
  // Tickets have a type of their own, and so have other issuers' ID, logout and refresh tokens.
  if (!TOKEN_TYPES.includes(typeof typ === 'string' ? typ.toLowerCase() : (typ as undefined))) return undefined;
  return { alg, ...(kid !== undefined ? { kid } : {}) };
}

/** The `user_id` claim, else `sub`. A number is accepted too. */
function userIdOf(claims: Readonly<Record<string, unknown>>): string | undefined {
  const said = claims.user_id ?? claims.sub;
  const id = Number.isSafeInteger(said) ? String(said) : said;
  if (typeof id !== 'string' || id.length === 0 || id.length > 255) return undefined;
  return CONTROL_CHARACTERS.test(id) || !id.isWellFormed() ? undefined : id;
}
