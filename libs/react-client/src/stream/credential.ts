import type { AlertStreamOptions, TokenWish } from './options';

/** A token is renewed this long before it expires, or after four fifths of its life when that is later. */
const RENEW_BEFORE_MS = 30_000;

interface Known {
  token: string;
  /** When the application gave it, by our clock. */
  gotAt: number;
  /** When it expires, by the server's clock; Infinity when its `exp` cannot be read. */
  expiresAt: number;
}

/** The credential of one request: headers, or query parameters for a ticket. Null: no user is signed in. */
type Signature = { headers: Record<string, string>; query: Record<string, string> } | null;

/**
 * The claims of a JWT, unverified: user id, `exp` and `iat` in seconds. The server checks all of it, so a forged token
 * gains nothing here.
 */
export function claimsOf(token: string): { user?: string; exp?: number; iat?: number } {
  try {
    const base64 = token.split('.')[1]!.replaceAll('-', '+').replaceAll('_', '/');
    const bytes = Uint8Array.from(atob(base64), (char) => char.charCodeAt(0));
    const { user_id, sub, exp, iat } = JSON.parse(new TextDecoder().decode(bytes)) as Record<string, unknown>;
    const user = typeof user_id === 'string' ? user_id : sub;
    return {
      ...(typeof user === 'string' && { user }),
      ...(typeof exp === 'number' && { exp }),
      ...(typeof iat === 'number' && { iat }),
    };
  } catch {
    return {};
  }
}

/** Asks the application for tokens. The stream and the API share one token until it is about to expire. */
export class Credential {
  private known: Known | null = null;
  private asking: Promise<string | null> | null = null;
  /** Whether the server has refused the credential and the application had no other one. */
  private isSpent = false;
  /** The server's clock minus ours, in milliseconds. */
  clockOffsetMs = 0;

  constructor(private readonly options: Pick<AlertStreamOptions, 'token' | 'ticket' | 'user'>) {}

  /**
   * Says that the server refused the credential for good: from now on nothing is asked with it, until `resume` or until
   * the application gives another token. A page goes on asking by itself otherwise, and each request is refused.
   */
  refuse(): void {
    this.isSpent = true;
  }

  /** Tries the credential again: the user asked for it, or the application has another one. */
  resume(): void {
    this.isSpent = false;
  }

  /** Whether asking again could give another token or ticket. */
  get isRenewable(): boolean {
    return typeof this.options.token === 'function' || this.options.ticket !== undefined;
  }

  get usesTickets(): boolean {
    return this.options.ticket !== undefined;
  }

  /**
   * The milliseconds until the next token is to be asked for; Infinity when the expiry is not known or the token is
   * fixed.
   */
  get renewInMs(): number {
    if (typeof this.options.token !== 'function' || !this.known || this.known.expiresAt === Infinity) return Infinity;
    const { expiresAt, gotAt } = this.known;
    const begin = gotAt + this.clockOffsetMs;
    return Math.max(expiresAt - RENEW_BEFORE_MS, begin + (expiresAt - begin) * 0.8) - this.serverNow();
  }

  /** The user of the present token; undefined before there is a token, and when it names no user. */
  get user(): string | undefined {
    return this.options.user ?? (this.known ? claimsOf(this.known.token).user : undefined);
  }

  /** The credential for a request of the stream. Rejects with the error of the application's function. */
  async forStream(): Promise<Signature> {
    if (this.isSpent) return null;
    if (!this.options.ticket) return this.forApi();
    const ticket = await this.options.ticket();
    return ticket === null ? null : { headers: {}, query: { ticket } };
  }

  /**
   * The credential for a request of the API. With tickets alone it is empty, and the API relies on cookies of your own.
   */
  async forApi(): Promise<Signature> {
    if (this.isSpent) return null;
    if (this.options.token === undefined) return { headers: {}, query: {} };
    const token = this.known && this.renewInMs > 0 ? this.known.token : await this.next();
    return token === null ? null : { headers: { Authorization: `Bearer ${token}` }, query: {} };
  }

  /** Asks for the next token before the present one expires. Resolves to whether it is another token. */
  async renewed(): Promise<boolean> {
    const before = this.known?.token;
    const token = await this.renew('expiring');
    return token !== null && token !== before;
  }

  private async next(): Promise<string | null> {
    const { known } = this;
    try {
      return await this.renew(known ? 'expiring' : 'first');
    } catch (error) {
      // the application could not give a token: the present one is valid for a little longer
      if (known && known.expiresAt > this.serverNow()) return known.token;
      throw error;
    }
  }

  /**
   * Asks for another token. Callers that ask while a request is under way get the same one. Null: no user is signed in.
   */
  renew(wish: TokenWish): Promise<string | null> {
    this.asking ??= this.ask(wish).finally(() => (this.asking = null));
    return this.asking;
  }

  private async ask(wish: TokenWish): Promise<string | null> {
    const { token: source } = this.options;
    if (source === undefined) return null;
    const before = this.known?.token;
    const token = typeof source === 'string' ? source : await source(wish);
    if (token && token !== before) this.isSpent = false;
    this.known = token ? { token, gotAt: Date.now(), expiresAt: (claimsOf(token).exp ?? Infinity) * 1_000 } : null;
    return token || null;
  }

  private serverNow(): number {
    return Date.now() + this.clockOffsetMs;
  }
}
