import { JwtService } from '@nestjs/jwt';
import { Refused } from '@tocsin/contracts';
import type { TicketStore } from '@tocsin/contracts/ports';
import { createSecretKey, hkdfSync, randomBytes, type KeyObject } from 'node:crypto';
import { seal, unseal } from './sealed-text';
import type { Scope } from './scopes';
import type { SessionRight, VerifiedToken } from './token-verifier';

/** Long enough to open a stream, and too short to be worth stealing from a log file. */
export const TICKET_LIFETIME_S = 30;
/**
 * How long a spent ticket is remembered beyond its end. Another gateway's clock may be behind: while the ticket is
 * still valid there, it must be found spent.
 */
export const SPENT_MARGIN_MS = 60_000;
/** A ticket may hold a sealed token, so it is longer than a token. */
const MAX_TICKET_BYTES = 14 * 1024;
/** A page renews its cookie well within this time: an EventSource that reconnects by itself sends it again. */
const COOKIE_LIFETIME_S = 15 * 60;
/** The cookie size that browsers accept, with its name and attributes (RFC 6265, section 6.1). */
const MAX_COOKIE_BYTES = 3_900;
const KINDS = {
  ticket: { type: 'tocsin-ticket+jwt', lifetimeS: TICKET_LIFETIME_S },
  cookie: { type: 'tocsin-cookie+jwt', lifetimeS: COOKIE_LIFETIME_S },
} as const;
type Kind = keyof typeof KINDS;
const AUDIENCE = 'tocsin:stream';

interface TicketOptions {
  /**
   * The secrets that the tickets' keys are derived from, the newest first. The first one signs tickets, all of them
   * verify.
   */
  secrets: readonly string[];
  /** The claims of the token that the tenant directory needs. */
  carriedClaims?: readonly string[];
  /** Whether the tenant directory needs the token itself. The ticket then holds it encrypted. */
  carriesToken?: boolean;
}

interface TicketClaims {
  jti: string;
  exp: number;
  user_id: string;
  /** The right of the token: its id, its end and its start in epoch milliseconds, and its scopes. */
  right: {
    jti: string | null;
    expires_at: number;
    issued_at: number | null;
    scopes: readonly Scope[];
    claims: Record<string, unknown>;
    sealed_token?: string;
    /** The session whose end ends the stream too. */
    session?: SessionRight;
  };
}

interface TicketKeys {
  jwt: JwtService;
  sealing: KeyObject;
}

/**
 * A ticket opens one stream: a page may put it into an address, where a token must not stand. A cookie opens any number
 * of streams for 15 minutes, as an EventSource that reconnects by itself needs. Both carry the token's right and end
 * with it. The keys are derived from the secret for this purpose only, and type and audience differ from a token's, so
 * that a ticket is never accepted as a token nor a token as a ticket.
 */
export class Tickets {
  private readonly keys: readonly [TicketKeys, ...TicketKeys[]];

  constructor(
    private readonly store: TicketStore,
    private readonly options: TicketOptions,
    private readonly now: () => number = Date.now,
  ) {
    const [first, ...rest] = options.secrets.map(keysFrom);
    if (!first) throw new Error('Tickets need a secret.');
    this.keys = [first, ...rest];
  }

  /** Makes a ticket. Nothing is stored. `expires_in` is in seconds. */
  issue(token: VerifiedToken): { ticket: string; expires_in: number } {
    const { value, expires_in } = this.make('ticket', token);
    return { ticket: value, expires_in };
  }

  /**
   * Makes a cookie's value. Throws `Refused` (`invalid_request`) when the token is too long for a cookie that browsers
   * accept.
   */
  issueCookie(token: VerifiedToken): { cookie: string; expires_in: number } {
    const { value, expires_in } = this.make('cookie', token);
    if (value.length > MAX_COOKIE_BYTES)
      throw new Refused('invalid_request', 'The token is too long for a cookie: use a ticket.');
    return { cookie: value, expires_in };
  }

  private make(kind: Kind, token: VerifiedToken): { value: string; expires_in: number } {
    const nowMs = this.now();
    const expiresAtMs = Math.min(nowMs + KINDS[kind].lifetimeS * 1000, token.expires_at);
    const [{ jwt, sealing }] = this.keys;
    const claims = Object.fromEntries(
      ['iss', ...(this.options.carriedClaims ?? [])]
        .filter((name) => name in token.claims)
        .map((name) => [name, token.claims[name]]),
    );
    const ticket: TicketClaims = {
      jti: randomBytes(16).toString('base64url'),
      exp: expiresAtMs / 1000,
      user_id: token.user_id,
      right: {
        jti: token.jti,
        expires_at: token.expires_at,
        issued_at: token.issued_at,
        scopes: [...token.scopes],
        claims,
        ...(this.options.carriesToken ? { sealed_token: seal(token.token, sealing) } : {}),
        ...(token.session ? { session: token.session } : {}),
      },
    };
    return {
      value: jwt.sign(
        { ...ticket, sub: token.user_id },
        { algorithm: 'HS256', audience: AUDIENCE, header: { alg: 'HS256', typ: KINDS[kind].type }, noTimestamp: true },
      ),
      expires_in: Math.max(0, Math.floor((expiresAtMs - nowMs) / 1000)),
    };
  }

  /**
   * Exchanges a ticket for the token that it was issued for. Throws `Refused` (`invalid_ticket`, the same for every
   * fault) also for the second use, and `Unavailable` when it cannot be known whether the ticket was used before.
   */
  async redeem(ticket: string): Promise<VerifiedToken> {
    const { claims, sealing } = this.read('ticket', ticket);
    const right = rightOf(claims, sealing);
    if (!(await this.store.redeem(claims.jti, new Date(claims.exp * 1000 + SPENT_MARGIN_MS)))) throw invalid();
    return right;
  }

  /**
   * Exchanges a cookie for the token that it was issued for, any number of times. Throws `Refused` (`invalid_ticket`).
   */
  accept(cookie: string): VerifiedToken {
    const { claims, sealing } = this.read('cookie', cookie);
    return rightOf(claims, sealing);
  }

  private read(kind: Kind, ticket: string): { claims: TicketClaims; sealing: KeyObject } {
    if (Buffer.byteLength(ticket) > MAX_TICKET_BYTES) throw invalid();
    let failure: unknown;
    for (const { jwt, sealing } of this.keys) {
      try {
        const { header, payload } = jwt.verify<{ header: { typ?: unknown }; payload: TicketClaims }>(ticket, {
          algorithms: ['HS256'],
          audience: AUDIENCE,
          complete: true,
          ignoreExpiration: true, // checked below, to the millisecond
        });
        if (header.typ === KINDS[kind].type && payload.exp * 1000 > this.now()) return { claims: payload, sealing };
      } catch (error) {
        failure = error;
      }
    }
    throw invalid(failure);
  }
}

function rightOf({ right, user_id }: TicketClaims, sealing: KeyObject): VerifiedToken {
  const token = right.sealed_token === undefined ? '' : unseal(right.sealed_token, sealing);
  const { expires_at, jti, scopes, claims, session, issued_at = null } = right;
  return {
    user_id,
    scopes: new Set(scopes),
    expires_at,
    issued_at,
    jti,
    claims: { ...claims, sub: user_id },
    token,
    ...(session && { session }),
  };
}

const invalid = (cause?: unknown) =>
  new Refused('invalid_ticket', 'The ticket is not valid, or was used before.', { cause });

function keysFrom(secret: string): TicketKeys {
  const derive = (purpose: string) =>
    createSecretKey(Buffer.from(hkdfSync('sha256', secret, '', `tocsin ${purpose} v1`, 32)));
  return { jwt: new JwtService({ secret: derive('ticket signature') }), sealing: derive('ticket seal') };
}
