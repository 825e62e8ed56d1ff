import { Refused } from '@tocsin/contracts';
import type { IncomingMessage } from 'node:http';
import { SessionCookies } from './session-cookies';
import type { Sessions, SessionToken } from './sessions';
import type { SignIn } from './sign-in';

type Request = Pick<IncomingMessage, 'headers' | 'method'>;

/** What exists only where people sign in through an OpenID provider. */
export interface SignInParts {
  cookies: SessionCookies;
  sessions: Pick<Sessions, 'create' | 'rightOf' | 'current' | 'end'>;
  signIn: Pick<SignIn, 'begin' | 'finish' | 'returnTo'>;
  /** The origins whose pages may act with the cookie: that of `PUBLIC_URL`, and those of `CORS_ORIGINS`. */
  origins: ReadonlySet<string>;
}

/** Methods that change nothing. */
const SAFE = new Set(['GET', 'HEAD']);

/**
 * The one place that takes the cookie of a session as a credential. Without an OpenID provider there are no sessions,
 * and no cookie is one.
 */
export class SessionDoor {
  constructor(private readonly parts: SignInParts | undefined) {}

  /** The name of the session cookie; undefined without an OpenID provider. */
  get cookieName(): string | undefined {
    return this.parts?.cookies.session;
  }

  /**
   * The parts of sign-in. Throws `Refused` (`not_found`) without an OpenID provider.
   */
  required(): SignInParts {
    if (!this.parts) throw new Refused('not_found', 'There are no sessions here: they need OIDC_ISSUER.');
    return this.parts;
  }

  /**
   * The token of the session whose cookie the request brings; undefined when it brings none. A browser adds the cookie
   * to the requests of other pages too, so a request that changes something must come from a page of the allowed
   * origins. Throws `Refused` (`session_ended`, `cross_site_request`) and `Unavailable`.
   */
  async tokenOf(request: Request): Promise<SessionToken | undefined> {
    const secret = this.cookieName === undefined ? undefined : SessionCookies.valueOf(request, this.cookieName);
    if (secret === undefined) return undefined;
    this.judgeOrigin(request);
    return this.rightOf(secret);
  }

  /** The token of the session that the secret opens. Throws as `Sessions.rightOf`. */
  rightOf(secret: string): Promise<SessionToken> {
    return this.required().sessions.rightOf(secret);
  }

  /** The present token of a session whose stream is open. Throws as `Sessions.current`. */
  current(sessionId: string): Promise<SessionToken> {
    return this.required().sessions.current(sessionId);
  }

  /** Throws `Refused` (`cross_site_request`) for a request that changes something and comes from another page. */
  judgeOrigin({ headers, method }: Request): void {
    if (SAFE.has(method ?? 'GET')) return;
    const { origin, 'sec-fetch-site': site } = headers;
    // every browser sends Origin with these methods; the other header is for a proxy that removes it
    const isOwn = origin === undefined ? site === 'same-origin' : this.required().origins.has(origin);
    if (!isOwn) throw new Refused('cross_site_request', 'The request does not come from the page of this gateway.');
  }
}
