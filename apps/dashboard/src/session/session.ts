/** The user and scopes that the token claims; only the gateway can tell whether the token is valid. */
export interface Claims {
  user: string;
  /** Milliseconds since the epoch. */
  expiresAt: number;
  scopes: readonly string[];
}

export type TokenProblem = 'malformed' | 'expired';

const KEY = 'tocsin.token';
/** The longest token that the gateway accepts in a header. */
const MAX_TOKEN_LENGTH = 8_000;

/** The claims of a JWT, or the reason why it cannot be used. */
export function readToken(token: string, now: number): Claims | TokenProblem {
  try {
    const [, payload, signature, ...more] = token.split('.');
    if (!payload || !signature || more.length > 0 || token.length > MAX_TOKEN_LENGTH) return 'malformed';
    const bytes = Uint8Array.from(atob(payload.replaceAll('-', '+').replaceAll('_', '/')), (char) =>
      char.charCodeAt(0),
    );
    const claims = JSON.parse(new TextDecoder().decode(bytes)) as Record<string, unknown>;
    const user = claims.user_id ?? claims.sub;
    if (typeof user !== 'string' || typeof claims.exp !== 'number') return 'malformed';
    if (claims.exp * 1_000 <= now) return 'expired';
    return { user, expiresAt: claims.exp * 1_000, scopes: scopesOf(claims) };
  } catch {
    return 'malformed';
  }
}

function scopesOf({ scope, scopes, scp }: Record<string, unknown>): string[] {
  const said = scope ?? scopes ?? scp;
  if (Array.isArray(said)) return said.filter((one): one is string => typeof one === 'string');
  return typeof said === 'string' ? said.split(/\s+/) : [];
}

/**
 * Moves a token from the address's fragment (`#token=…`) to the tab's session storage, and returns the tab's token. A
 * link may carry the token there, because browsers send the fragment to no server or proxy. It is removed from the
 * address, so that it is neither bookmarked nor visible.
 */
export function takeToken(page: Pick<Window, 'location' | 'history' | 'sessionStorage'>): string | null {
  const fragment = new URLSearchParams(page.location.hash.slice(1));
  const given = fragment.get('token');
  if (given !== null) {
    fragment.delete('token');
    const rest = fragment.toString();
    page.history.replaceState(
      page.history.state,
      '',
      page.location.pathname + page.location.search + (rest && `#${rest}`),
    );
    keepToken(given.trim() || null, page.sessionStorage);
  }
  try {
    return page.sessionStorage.getItem(KEY);
  } catch {
    return given; // no storage: the user is signed in until the next load
  }
}

/** The token of this tab; null when there is none, or no storage. */
export function keptToken(): string | null {
  try {
    return sessionStorage.getItem(KEY);
  } catch {
    return null;
  }
}

/** Keeps a token for this tab, or forgets it. */
export function keepToken(token: string | null, storage: Storage = sessionStorage): void {
  try {
    if (token) storage.setItem(KEY, token);
    else storage.removeItem(KEY);
  } catch {
    // no storage: `takeToken` returns the token until the next load
  }
}

/** The token in a pasted text, which may be the token itself or a link or command that contains it. */
export const tokenIn = (pasted: string): string => /[\w-]+\.[\w-]+\.[\w-]+/.exec(pasted)?.[0] ?? pasted.trim();
