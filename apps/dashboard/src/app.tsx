import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { useEffect, useState } from 'react';
import { AlertStreamProvider, useAlertStream } from '@tocsin/react-client';
import { Inbox } from './live/inbox';
import { bell } from './live/the-bell';
import type { Claims } from './session/session';
import { SignIn } from './session/sign-in';
import signIn from './session/sign-in.module.css';
import { useSession } from './session/use-session';
import { useTheme } from './settings/use-theme';
import { useWords, WordsProvider } from './words/words';

const queries = new QueryClient({ defaultOptions: { queries: { retry: 1, refetchOnWindowFocus: false } } });
/** Clears the cache, so that the next user does not see what this one has loaded. */
const forget = () => queries.clear();

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

/** The page of the user that the token names; without a usable token the sign-in form. */
function SignedIn() {
  const { t } = useWords();
  const { claims, asking, change, give } = useSession(forget);
  // with more tenants than one stream covers, the page chooses some of them
  const [followed, follow] = useState<{ user: string; tenants: readonly string[] }>();
  if (asking) return null;
  if (claims === null || typeof claims === 'string') {
    return (
      <main className={signIn.page}>
        <SignIn key={claims} problem={claims && t(`signin.${claims}`)} onToken={change} />
      </main>
    );
  }
  const tenants = followed?.user === claims.user ? followed.tenants : undefined;
  return (
    <AlertStreamProvider key={`${claims.user} ${tenants?.join() ?? ''}`} token={give} tenants={tenants}>
      <Inbox
        claims={claims}
        followed={tenants}
        onFollow={(next) => follow({ user: claims.user, tenants: next })}
        onToken={change}
      />
      <TriedAgain claims={claims} />
    </AlertStreamProvider>
  );
}

/** Reconnects a stream whose token was refused when there is another token. */
function TriedAgain({ claims }: { claims: Claims }) {
  const stream = useAlertStream();
  useEffect(() => {
    if (stream.status.state === 'signed_out') stream.reconnect();
  }, [stream, claims]);
  return null;
}
