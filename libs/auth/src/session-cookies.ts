import type { IncomingMessage } from 'node:http';

/** The attributes of the gateway's cookies: for the whole host, for no script, and not for requests of other sites. */
export interface CookieOptions {
  path: '/';
  httpOnly: true;
  secure: boolean;
  sameSite: 'lax';
  maxAge?: number;
}

/**
 * The cookies of sign-in. Over https their names begin with `__Host-`: then a browser takes them from this host alone,
 * and no neighbour below the same domain can put one in. Over http, where no browser would keep such a name, they have
 * plain names.
 */
export class SessionCookies {
  private readonly isSecure: boolean;

  constructor(publicUrl: string) {
    this.isSecure = publicUrl.startsWith('https://');
  }

  get session(): string {
    return this.named('tocsin_session');
  }

  /** The cookie of one sign-in under way: each tab has its own. */
  signIn(state: string): string {
    return this.named(`tocsin_sign_in_${state.slice(0, 16)}`);
  }

  /** The names of all sign-ins under way that the request brings. */
  signInsIn(request: Pick<IncomingMessage, 'headers'>): string[] {
    const prefix = this.named('tocsin_sign_in_');
    return pairsOf(request).flatMap(([name]) => (name.startsWith(prefix) ? [name] : []));
  }

  options(maxAge?: number): CookieOptions {
    return {
      path: '/',
      httpOnly: true,
      secure: this.isSecure,
      sameSite: 'lax',
      ...(maxAge !== undefined && { maxAge }),
    };
  }

  /** The value of a cookie; undefined when the request has none of this name. */
  static valueOf(request: Pick<IncomingMessage, 'headers'>, name: string): string | undefined {
    return pairsOf(request).find(([one]) => one === name)?.[1];
  }

  private named(name: string): string {
    return this.isSecure ? `__Host-${name}` : name;
  }
}

function pairsOf({ headers }: Pick<IncomingMessage, 'headers'>): [name: string, value: string][] {
  return (headers.cookie ?? '').split(';').flatMap((pair): [string, string][] => {
    const at = pair.indexOf('=');
    return at < 0 ? [] : [[pair.slice(0, at).trim(), pair.slice(at + 1).trim()]];
  });
}
