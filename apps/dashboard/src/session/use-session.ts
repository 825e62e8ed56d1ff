import { useCallback, useEffect, useMemo, useRef, useState } from 'react';
import type { TokenWish } from '@tocsin/react-client';
import { OtherTabs } from './other-tabs';
import { keepToken, readToken, takeToken, type Claims, type TokenProblem } from './session';
import { tokenFrom, tokenUrl } from './token-source';

interface Session {
  /** The token's claims; or why it cannot be used; or null: no user is signed in. A new object for each token. */
  claims: Claims | TokenProblem | null;
  /** Whether the first token is being requested. */
  asking: boolean;
  /** Signs in with a token, in this tab and in other tabs of the same user. With null signs out, in this tab only. */
  change(token: string | null): void;
  /** The token function for the client. A user who pasted a token has no other one, until `change`. */
  give(wish: TokenWish): Promise<string | null>;
}

/**
 * The session of this tab. Its token comes from a link, from the sign-in form, from another tab, or from the gateway's
 * token URL.
 */
export function useSession(onSignedOut: () => void): Session {
  const [source] = useState(() => tokenUrl(document));
  const [tabs] = useState(() => new OtherTabs());
  const [held, hold] = useState(() => ({ token: takeToken(window), since: Date.now() }));
  const latest = useRef(held.token);
  const given = useRef<string | null>(null);
  const take = useCallback((token: string | null) => {
    latest.current = token;
    keepToken(token);
    hold({ token, since: Date.now() });
  }, []);
  const change = useCallback(
    (token: string | null) => {
      take(token);
      if (token === null) onSignedOut();
      else tabs.tell(token);
    },
    [take, tabs, onSignedOut],
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

  const claims = useMemo(() => (held.token === null ? null : readToken(held.token, held.since)), [held]);
  const [asking, setAsking] = useState(source !== null && (claims === null || typeof claims === 'string'));
  useEffect(() => {
    if (!asking || source === null) return;
    // if this gives no token, the sign-in form asks for one
    void tokenFrom(source)
      .then(
        (token) => token !== null && change(token),
        () => undefined,
      )
      .finally(() => setAsking(false));
  }, [asking, source, change]);

  useEffect(() => tabs.listen(() => latest.current, take), [tabs, take]);
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
  return { claims, asking, change, give };
}
