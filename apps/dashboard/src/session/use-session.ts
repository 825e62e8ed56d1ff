import { useCallback, useEffect, useMemo, useRef, useState } from 'react';
import type { TokenWish } from '@tocsin/react-client';
import { endSession, readSession, signInMode } from './cookie-session';
import { OtherTabs } from './other-tabs';
import { keepToken, readToken, takeToken, type Claims, type TokenProblem } from './session';
import { tokenFrom, tokenUrl } from './token-source';

/** How long a new tab waits for the token of another one before it asks the user. A later answer is taken too. */
const TABS_ANSWER_MS = 300;
/** How long to wait when the gateway could not say who is signed in. */
const ASK_AGAIN_MS = 3_000;

export interface Session {
  /**
   * The user who is signed in; or why the token cannot be used; or null: there is no user. A new object for each token,
   * and for a session of the gateway only when it has changed.
   */
  claims: Claims | TokenProblem | null;
  /** Whether it is not known yet who is signed in. */
  asking: boolean;
  /** Whether the gateway keeps the session, by a cookie: the page has no token then. */
  byCookie: boolean;
  /**
   * Signs in with a token, in this tab and in other tabs of the same user. With null signs out: with a token in this
   * tab only, else everywhere.
   */
  change(token: string | null): void;
  /** Asks the gateway again who is signed in, until it says so, and then calls `onKnown`. */
  lookAgain(onKnown?: (claims: Claims | null) => void): Promise<void>;
  /** The token function for the client. A user who pasted a token has no other one, until `change`. */
  give(wish: TokenWish): Promise<string | null>;
}

/** Whether both are the same session, which was only read twice. */
const isSame = (one: Claims | null, other: Claims | null): boolean =>
  one?.user === other?.user && one?.expiresAt === other?.expiresAt && one?.scopes.join(' ') === other?.scopes.join(' ');

/** The user of a token, also of one that has expired; null when there is none. */
function userOf(token: string | null): string | null {
  const claims = token === null ? null : readToken(token, 0);
  return claims === null || typeof claims === 'string' ? null : claims.user;
}

/**
 * The session of this tab. It is the gateway's, known by a cookie; or that of a token, which comes from a link, from
 * the sign-in form, from another tab, or from the gateway's token URL.
 */
export function useSession(onSignedOut: () => void): Session {
  const [source] = useState(() => tokenUrl(document));
  const [mode] = useState(() => signInMode(document));
  const [tabs] = useState(() => new OtherTabs());
  const [held, hold] = useState(() => ({ token: takeToken(window), since: Date.now() }));
  const latest = useRef(held.token);
  const given = useRef<string | null>(null);
  const signedOut = useRef(false);
  const tokenUser = useRef(userOf(held.token));
  const take = useCallback(
    (token: string | null) => {
      const next = userOf(token);
      // the next user does not see what this one has loaded
      if (next !== null && tokenUser.current !== null && next !== tokenUser.current) onSignedOut();
      tokenUser.current = next ?? tokenUser.current;
      latest.current = token;
      keepToken(token);
      hold({ token, since: Date.now() });
    },
    [onSignedOut],
  );

  const tokenClaims = useMemo(() => (held.token === null ? null : readToken(held.token, held.since)), [held]);
  const hasToken = tokenClaims !== null && typeof tokenClaims !== 'string';
  const byCookie = mode !== null && !hasToken;
  const [cookie, setCookie] = useState<Claims | null>(null);
  const [asking, setAsking] = useState(!hasToken && (mode !== null || source !== null || tabs.canAsk));

  const user = useRef<string | null>(null);
  const lookAgain = useCallback(
    async (onKnown?: (claims: Claims | null) => void): Promise<void> => {
      if (mode === null) return;
      try {
        const claims = await readSession();
        // the next user does not see what this one has loaded
        if (user.current !== null && user.current !== claims?.user) onSignedOut();
        user.current = claims?.user ?? null;
        // a new object says that there is another credential to try: a stream that is refused asks here, and would try
        // again without end
        setCookie((before) => (isSame(before, claims) ? before : claims));
        setAsking(false);
        onKnown?.(claims);
      } catch {
        // without an answer of the gateway the user stays signed in
        setTimeout(() => void lookAgain(onKnown), ASK_AGAIN_MS);
      }
    },
    [mode, onSignedOut],
  );
  const leave = useCallback(async () => {
    const address = await endSession();
    tabs.tellOfChange();
    if (address !== null) return location.assign(address);
    await lookAgain();
  }, [tabs, lookAgain]);

  const change = useCallback(
    (token: string | null) => {
      // a failed sign-out changes nothing on the page: the user sees that the session goes on
      if (token === null && byCookie) return void leave().catch(() => lookAgain());
      take(token);
      signedOut.current = token === null;
      if (token === null) onSignedOut();
      else tabs.tell(token);
    },
    [take, tabs, onSignedOut, byCookie, leave, lookAgain],
  );
  const give = useCallback(
    async (wish: TokenWish): Promise<string | null> => {
      // if another tab has sent a newer token meanwhile, that one is used
      if (source !== null && wish !== 'first' && latest.current === given.current) {
        const token = await tokenFrom(source);
        if (token !== null) change(token);
        // the user is signed out at the token URL; the present token is used until it expires or is refused
        else if (wish === 'refused') return null;
      }
      return (given.current = latest.current);
    },
    [source, change],
  );

  useEffect(() => {
    if (!asking) return;
    // this page may be the way back from the provider, of which the other tabs know nothing
    if (mode !== null) return void lookAgain((claims) => claims !== null && tabs.tellOfChange());
    if (source !== null) {
      // if this gives no token, the sign-in form asks for one
      void tokenFrom(source)
        .then(
          (token) => token !== null && change(token),
          () => undefined,
        )
        .finally(() => setAsking(false));
      return;
    }
    tabs.ask();
    const late = setTimeout(() => setAsking(false), TABS_ANSWER_MS);
    return () => clearTimeout(late);
    // once: this looks for the first credential alone
  }, []);

  useEffect(
    () =>
      tabs.listen({
        mine: () => latest.current,
        wants: () => mode === null && !signedOut.current,
        take: (token) => {
          take(token);
          setAsking(false);
        },
        onChanged: () => void lookAgain(),
      }),
    [tabs, take, mode, lookAgain],
  );
  useEffect(() => {
    // a link with a token that was opened in this tab signs the other tabs in again too
    if (latest.current !== null) tabs.tell(latest.current);
    // opening such a link in a tab that shows this page already changes only the fragment and loads nothing
    const onHash = () => {
      const before = latest.current;
      if (takeToken(window) !== before) location.reload();
    };
    window.addEventListener('hashchange', onHash);
    return () => window.removeEventListener('hashchange', onHash);
  }, [tabs]);
  return { claims: byCookie ? cookie : tokenClaims, asking, byCookie, change, lookAgain, give };
}
