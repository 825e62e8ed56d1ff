import type { AlertStreamOptions, TokenWish } from './options';

/** A token is renewed this long before it expires, or after four fifths of its life when that is later. */
const RENEW_BEFORE_MS = 30_000;

interface Known {
  token: string;
  /** When it was got, by our clock. */
  gotAt: number;
  /** By the server's clock; Infinity when it cannot be read. */
  expiresAt: number;
}

/** What is put on a request: headers, or query parameters for a ticket. Null: nobody is signed in. */
type Signature = { headers: Record<string, string>; query: Record<string, string> } | null;

/** The claims of a JWT, unverified: whose it is and until when decides nothing here that the server would not decide again. */
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

/** The one place that asks for tokens: for the stream and for the API, which use the same until it is about to expire. */
export class Credential {
  private known: Known | null = null;
  private asking: Promise<string | null> | null = null;
  /** The server's clock less ours. */
  clockOffsetMs = 0;

  constructor(private readonly options: Pick<AlertStreamOptions, 'token' | 'ticket' | 'user'>) {}

  /** Whether asking again could give another one. */
  get isRenewable(): boolean {
    return typeof this.options.token === 'function' || this.options.ticket !== undefined;
  }

  get usesTickets(): boolean {
    return this.options.ticket !== undefined;
  }

  /** In how many milliseconds to ask for the next token; Infinity when there is no telling. */
  get renewInMs(): number {
    if (typeof this.options.token !== 'function' || !this.known || this.known.expiresAt === Infinity) return Infinity;
    const { expiresAt, gotAt } = this.known;
    const begin = gotAt + this.clockOffsetMs;
    return Math.max(expiresAt - RENEW_BEFORE_MS, begin + (expiresAt - begin) * 0.8) - this.serverNow();
  }

  /** Whose the present token is; undefined before there is one, and when it does not say. */
  get user(): string | undefined {
    return this.options.user ?? (this.known ? claimsOf(this.known.token).user : undefined);
  }

  /** Signs a request of the stream. Rejects with what the application's function rejects with. */
  async forStream(): Promise<Signature> {
    if (!this.options.ticket) return this.forApi();
    const ticket = await this.options.ticket();
    return ticket === null ? null : { headers: {}, query: { ticket } };
  }

  /** Signs a request of the API. With tickets alone it relies on cookies of your own. */
  async forApi(): Promise<Signature> {
    if (this.options.token === undefined) return { headers: {}, query: {} };
    const token = this.known && this.renewInMs > 0 ? this.known.token : await this.next();
    return token === null ? null : { headers: { Authorization: `Bearer ${token}` }, query: {} };
  }

  /** Asks for the next token in time. Resolves to whether it is another one. */
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
      // whoever gives tokens is away: the one at hand is good for a little longer
      if (known && known.expiresAt > this.serverNow()) return known.token;
      throw error;
    }
  }

  /** Asks for another token; those who ask meanwhile get the same. Null: nobody is signed in. */
  renew(wish: TokenWish): Promise<string | null> {
    this.asking ??= this.ask(wish).finally(() => (this.asking = null));
    return this.asking;
  }

  private async ask(wish: TokenWish): Promise<string | null> {
    const { token: source } = this.options;
    if (source === undefined) return null;
    const token = typeof source === 'string' ? source : await source(wish);
    this.known = token ? { token, gotAt: Date.now(), expiresAt: (claimsOf(token).exp ?? Infinity) * 1_000 } : null;
    return token || null;
  }

  private serverNow(): number {
    return Date.now() + this.clockOffsetMs;
  }
}
