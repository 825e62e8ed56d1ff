import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { useCallback, useEffect, useRef, useState } from 'react';
import { AlertStreamProvider } from '@tocsin/react-client';
import { Inbox } from './live/inbox';
import { bell } from './live/the-bell';
import { keepToken, readToken, takeToken } from './session/session';
import { SignIn } from './session/sign-in';
import signIn from './session/sign-in.module.css';
import { useTheme } from './settings/use-theme';
import { useWords, WordsProvider } from './words/words';

const queries = new QueryClient({ defaultOptions: { queries: { retry: 1, refetchOnWindowFocus: false } } });

export function App() {
  useTheme();
  useEffect(() => bell.awaitTouch(document), []);
  return (
    <WordsProvider>
      <QueryClientProvider client={queries}>
        <SignedIn />
      </QueryClientProvider>
    </WordsProvider>
  );
}

/** The page of whoever the token names; without a token that can be one, the question for it. */
function SignedIn() {
  const { t } = useWords();
  const [token, setToken] = useState(() => takeToken(window));
  const [problem, setProblem] = useState<string | null>(null);
  const latest = useRef(token);
  const change = useCallback((next: string | null, why: string | null = null) => {
    latest.current = next;
    keepToken(next);
    setToken(next);
    setProblem(why);
    // what one user has loaded is nothing for the next
    if (next === null) queries.clear();
  }, []);

  // A link with a token that is opened in a tab that is here already changes nothing but the fragment.
  useEffect(() => {
    const onHash = () => {
      const taken = takeToken(window);
      if (taken !== latest.current) location.reload();
    };
    window.addEventListener('hashchange', onHash);
    return () => window.removeEventListener('hashchange', onHash);
  }, []);

  const [openedAt] = useState(Date.now);
  const claims = token === null ? null : readToken(token, openedAt);
  if (claims === null || (typeof claims === 'string' && token === null)) return <Page problem={problem} onToken={change} />;
  if (typeof claims === 'string') return <Page problem={t(`signin.${claims}`)} onToken={change} />;
  return (
    <AlertStreamProvider key={claims.user} token={() => latest.current}>
      <Inbox claims={claims} onToken={change} />
    </AlertStreamProvider>
  );
}

function Page({ problem, onToken }: { problem: string | null; onToken(token: string): void }) {
  return (
    <main className={signIn.page}>
      <SignIn problem={problem} onToken={onToken} />
    </main>
  );
}
