import { useCallback, useEffect, useMemo, useRef, useState } from 'react';
import type { TokenWish } from '@tocsin/react-client';
import { OtherTabs } from './other-tabs';
import { keepToken, readToken, takeToken, type Claims, type TokenProblem } from './session';
import { tokenFrom, tokenUrl } from './token-source';

interface Session {
  /** Of the token; why it is none; null: nobody is signed in. Another object for each token. */
  claims: Claims | TokenProblem | null;
  /** The first token is being asked for. */
  asking: boolean;
  /** Signs in with a token, here and in the other tabs of the same user, or out, here alone. */
  change(token: string | null): void;
  /** What the client asks for tokens. Whoever brought theirs has no other one, until `change`. */
  give(wish: TokenWish): Promise<string | null>;
}

/** Who is signed in at this tab, by a link, by pasting, by another tab, or by whom the gateway names. */
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
      // what another tab has got meanwhile is good enough
      if (source !== null && wish !== 'first' && latest.current === given.current) {
        const token = await tokenFrom(source);
        if (token !== null) change(token);
        // nobody is signed in there any more, and what is at hand is good to its end
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
    // who cannot be signed in so is asked for a token
    void tokenFrom(source)
      .then(
        (token) => token !== null && change(token),
        () => undefined,
      )
      .finally(() => setAsking(false));
  }, [asking, source, change]);

  useEffect(() => tabs.listen(() => latest.current, take), [tabs, take]);
  useEffect(() => {
    // a link that was opened here signs the others in again too
    if (latest.current !== null) tabs.tell(latest.current);
    // a link with a token that is opened in a tab that is here already changes nothing but the fragment
    const onHash = () => {
      const before = latest.current;
      if (takeToken(window) !== before) location.reload();
    };
    window.addEventListener('hashchange', onHash);
    return () => window.removeEventListener('hashchange', onHash);
  }, [tabs]);
  return { claims, asking, change, give };
}
