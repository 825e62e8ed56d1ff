import { Refused } from '@tocsin/contracts';
import { createSecretKey, hkdfSync, type KeyObject } from 'node:crypto';
import type { OidcProvider, SessionTokens, SignInChecks } from './oidc-provider';
import { seal, unsealWithAny } from './sealed-text';

/** How long a person may take at the provider, in milliseconds. */
export const SIGN_IN_LASTS_MS = 10 * 60_000;
/** The longest address that a sign-in returns to. A longer one leads to the page itself. */
const MAX_RETURN_LENGTH = 2_000;

interface Begun extends SignInChecks {
  return_to: string;
  expires_at: number;
}

/**
 * A sign-in under way. What it must be compared with is in an encrypted cookie of the browser that began it, so any
 * gateway can finish it, and no other browser.
 */
export class SignIn {
  private readonly keys: Keys;

  constructor(
    private readonly provider: Pick<OidcProvider, 'begin' | 'exchange'>,
    secrets: readonly string[],
    private readonly now: () => number = Date.now,
  ) {
    this.keys = keysFor('sign-in', secrets);
  }

  /** The provider's address to go to, and the cookie to set. `returnTo` is made safe here. Throws `Unavailable`. */
  async begin(returnTo: string | undefined): Promise<{ url: string; state: string; cookie: string }> {
    const { url, checks } = await this.provider.begin();
    const begun: Begun = {
      ...checks,
      return_to: safeReturn(returnTo),
      expires_at: this.now() + SIGN_IN_LASTS_MS,
    };
    return { url, state: checks.state, cookie: seal(JSON.stringify(begun), this.keys[0]) };
  }

  /**
   * Where the browser goes when the sign-in is over, however it ends. The page itself when the cookie cannot be read.
   */
  returnTo(cookie: string | undefined): string {
    return this.read(cookie)?.return_to ?? '/';
  }

  /**
   * Finishes the sign-in with the query that the provider sent the browser back with. Throws `Refused`
   * (`sign_in_failed`) for a query, a cookie or an answer of another sign-in, and `Unavailable`.
   */
  async finish(query: string, cookie: string | undefined): Promise<{ tokens: SessionTokens; return_to: string }> {
    const begun = this.read(cookie);
    if (!begun)
      throw new Refused('sign_in_failed', 'This browser did not begin this sign-in, or more than 10 minutes ago.');
    return { tokens: await this.provider.exchange(query, begun), return_to: begun.return_to };
  }

  private read(cookie: string | undefined): Begun | undefined {
    if (cookie === undefined) return undefined;
    try {
      const begun = JSON.parse(unsealWithAny(cookie, this.keys)) as Begun;
      return begun.expires_at > this.now() ? begun : undefined;
    } catch {
      return undefined;
    }
  }
}

/**
 * A path of this origin, with its query; `/` for everything else. An address that a browser would read as another
 * origin (`//host`, `/\host`, a scheme) is one that a stranger may have put into a link.
 */
export function safeReturn(asked: string | undefined): string {
  const origin = 'https://here.invalid';
  if (asked === undefined || asked.length > MAX_RETURN_LENGTH || !/^\/(?![/\\])[\x21-\x7e]*$/.test(asked)) return '/';
  if (!URL.canParse(asked, origin)) return '/';
  const { origin: led, pathname, search } = new URL(asked, origin);
  // the address as it was parsed, because dots in it may lead to two slashes at its beginning
  return led === origin && !/^\/[/\\]/.test(pathname) ? pathname + search : '/';
}

/** The key that encrypts, and after it those that only decrypt. */
export type Keys = readonly [KeyObject, ...KeyObject[]];

/** Keys for one purpose, derived from the secrets that all gateways share, the newest first. */
export function keysFor(purpose: string, secrets: readonly string[]): Keys {
  const [first, ...rest] = secrets.map((secret) =>
    createSecretKey(Buffer.from(hkdfSync('sha256', secret, '', `tocsin ${purpose} v1`, 32))),
  );
  if (!first) throw new Error(`There is no secret for: ${purpose}.`);
  return [first, ...rest];
}
