import { JwtService } from '@nestjs/jwt';
import { Refused } from '@tocsin/contracts';
import type { User } from '@tocsin/contracts/ports';
import { LRUCache } from 'lru-cache';
import { createSecretKey, type KeyObject } from 'node:crypto';
import { Jwks } from './jwks';
import { scopesOf, type Scope } from './scopes';
import type { AuthSettings, PublicKeyAlgorithm } from './settings';

/** Longer ones are not tokens that a header or an address can carry. */
const MAX_TOKEN_BYTES = 8 * 1024;
/** How far the issuer's clock may be ahead of ours. Never granted to `exp`. */
const CLOCK_TOLERANCE_S = 30;
const TOKEN_TYPES = [undefined, 'jwt', 'at+jwt', 'application/at+jwt'];
/**
 * Tokens that were verified and are not verified again, and the most that they may take: what comes back after a storm
 * comes with the token that it had.
 */
const MAX_KEPT = 20_000;
const MAX_KEPT_CHARACTERS = 16 * 1024 * 1024;
const KID = /^[\x21-\x7e]{1,128}$/;
const CONTROL_CHARACTERS = /[\u0000-\u001f\u007f]/; // eslint-disable-line no-control-regex

/** What a verified token says. It is a `User`: the tenant directory may be asked with it. */
export interface VerifiedToken extends User {
  scopes: ReadonlySet<Scope>;
  /** When the right ends, in epoch milliseconds. */
  expires_at: number;
  /** When it was made, in epoch milliseconds, mostly of a whole second; null when it does not say. */
  issued_at: number | null;
  jti: string | null;
}

/** A verified token, as long as the key that proved it is one of those in use. */
interface Kept {
  verified: VerifiedToken;
  header: Header;
  key: KeyObject | undefined;
}

interface Header {
  alg: string;
  kid?: string;
}

/**
 * Verifies tokens: HS256 by a secret (and the one before it), or an issuer's public keys. The algorithms are those of the
 * configuration, whatever a token's header says.
 */
export class TokenVerifier {
  private readonly algorithms: readonly ('HS256' | PublicKeyAlgorithm)[];
  private readonly secrets: readonly JwtService[];
  private readonly jwks: Jwks | undefined;
  private readonly byKey = new WeakMap<KeyObject, JwtService>();
  /** By the whole token. Beyond either bound those that were used longest ago are forgotten. */
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
    // A secret handed over as a string is made into a key for each token, which costs forty times the verification.
    this.secrets = JWT_JWKS_URL
      ? []
      : [JWT_SECRET, JWT_SECRET_PREVIOUS]
          .filter((secret) => secret !== undefined)
          .map((secret) => new JwtService({ secret: createSecretKey(secret, 'utf8') }));
  }

  /**
   * Throws `Refused`: `missing_credentials`, `token_expired`, `token_not_yet_valid`, and for everything else that is wrong
   * the same `invalid_token`, which tells nobody what to try next. Throws `Unavailable` (`jwks`) when the keys cannot be had.
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
    this.kept.set(token, { verified, header, key });
    return verified;
  }

  /** Whether it is still valid: not expired, and its issuer still has the key. Whether it was revoked is for others to say. */
  private async stillHolds({ verified, header, key }: Kept): Promise<boolean> {
    if (verified.expires_at <= this.now()) return false;
    return !this.jwks || (await this.jwks.keyFor(header).catch(() => undefined)) === key;
  }

  /** Resolves when tokens can be verified. Throws `Unavailable` when the issuer's keys cannot be had. */
  async checkKeys(): Promise<void> {
    await this.jwks?.renew();
  }

  /** The claims, once one of the keys has proven them. */
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
          ignoreExpiration: true, // looked at by the caller, without that tolerance
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

/** The part of a header that matters; undefined for one that we must not go on with. */
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
  // Whoever says "crit" asks to be refused by those who do not understand it, and we understand none.
  if (typeof alg !== 'string' || crit !== undefined) return undefined;
  if (kid !== undefined && !(typeof kid === 'string' && KID.test(kid))) return undefined;
  // Tickets have a type of their own, and so have other issuers' ID, logout and refresh tokens.
  if (!TOKEN_TYPES.includes(typeof typ === 'string' ? typ.toLowerCase() : (typ as undefined))) return undefined;
  return { alg, ...(kid !== undefined ? { kid } : {}) };
}

/** `user_id`, else `sub`; a number is one too. */
function userIdOf(claims: Readonly<Record<string, unknown>>): string | undefined {
  const said = claims.user_id ?? claims.sub;
  const id = Number.isSafeInteger(said) ? String(said) : said;
  if (typeof id !== 'string' || id.length === 0 || id.length > 255) return undefined;
  return CONTROL_CHARACTERS.test(id) || !id.isWellFormed() ? undefined : id;
}
