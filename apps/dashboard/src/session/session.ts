/** Who is signed in, as far as the token itself says; only the gateway knows whether it is good. */
export interface Claims {
  user: string;
  /** Milliseconds. */
  expiresAt: number;
  scopes: readonly string[];
}

export type TokenProblem = 'malformed' | 'expired';

const KEY = 'tocsin.token';
/** As long as the gateway accepts in a header. */
const MAX_TOKEN_LENGTH = 8_000;

/** The claims of a JWT, or why it cannot be one that opens anything. */
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
 * Takes the token out of `#token=…`, where a link may carry it past every server and proxy, into the tab's own storage, and
 * out of the address, so that it is neither bookmarked nor shown.
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
    return given; // no storage: signed in until the next load
  }
}

/** Keeps a token for this tab, or forgets it. */
export function keepToken(token: string | null, storage: Storage = sessionStorage): void {
  try {
    if (token) storage.setItem(KEY, token);
    else storage.removeItem(KEY);
  } catch {
    // see takeToken
  }
}

/** What somebody pasted: the token itself, or a link or a command that holds one. */
export const tokenIn = (pasted: string): string => /[\w-]+\.[\w-]+\.[\w-]+/.exec(pasted)?.[0] ?? pasted.trim();
