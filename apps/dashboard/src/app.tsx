import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { lazy, useEffect, useRef, useState } from 'react';
import { AlertStreamProvider, useAlertStream, useConnectionStatus } from '@tocsin/react-client';
import { below } from './base-path';
import { Inbox } from './live/inbox';
import { Late } from './live/late';
import { bell } from './live/the-bell';
import signIn from './session/sign-in.module.css';
import { useSession, type Session } from './session/use-session';
import { useTheme } from './settings/use-theme';
import { useWords, WordsProvider } from './words/words';

/** Loaded when it is needed: most visits begin signed in. */
const SignIn = lazy(() => import('./session/sign-in'));

const queries = new QueryClient({ defaultOptions: { queries: { retry: 1, refetchOnWindowFocus: false } } });
/** Loaded when it is needed: it is the page for those who embed the inbox elsewhere. */
const EmbedPreview = location.pathname === below('/embed-preview') ? lazy(() => import('./embed/embed-preview')) : null;
/** How long to wait before a stream that was refused is tried again with a session that is good. */
const TRY_AGAIN_MS = 1_000;
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

/** The page of the user who is signed in; without one the sign-in form. */
function SignedIn() {
  const { t } = useWords();
  const session = useSession(forget);
  const { claims, asking, byCookie, change, give } = session;
  // with more tenants than one stream covers, the page chooses some of them
  const [followed, follow] = useState<{ user: string; tenants: readonly string[] }>();
  if (asking) return null;
  if (claims === null || typeof claims === 'string') {
    return (
      <main className={signIn.page}>
        <Late broken={t('error.part')}>
          <SignIn key={claims} problem={claims && t(`signin.${claims}`)} onToken={change} />
        </Late>
      </main>
    );
  }
  const tenants = followed?.user === claims.user ? followed.tenants : undefined;
  return (
    <AlertStreamProvider
      url={below('/api/events')}
      reportShown={document.querySelector('meta[name=tocsin-report-shown]') !== null}
      key={`${byCookie} ${claims.user} ${tenants?.join() ?? ''}`}
      {...(byCookie ? { user: claims.user } : { token: give })}
      tenants={tenants}
    >
      {EmbedPreview ? (
        <Late broken={t('error.part')}>
          <EmbedPreview />
        </Late>
      ) : (
        <Inbox
          claims={claims}
          followed={tenants}
          onFollow={(next) => follow({ user: claims.user, tenants: next })}
          onToken={change}
        />
      )}
      <TriedAgain session={session} />
    </AlertStreamProvider>
  );
}

/**
 * Reconnects a stream whose credential was refused when there is another one. A session that is kept by the gateway may
 * have ended in another tab, or been renewed there. It may also be good again, when its token could not be renewed in
 * time: with the same session the stream is tried once more.
 */
function TriedAgain({ session: { claims, byCookie, lookAgain } }: { session: Session }) {
  const stream = useAlertStream();
  const { state } = useConnectionStatus();
  const isRefused = state === 'signed_out' || state === 'forbidden';
  useEffect(() => {
    if (stream.status.state === 'signed_out' || (byCookie && stream.status.state === 'forbidden')) stream.reconnect();
  }, [stream, claims, byCookie]);
  const hasTried = useRef(false);
  useEffect(() => {
    if (state === 'live') hasTried.current = false;
  }, [state]);
  useEffect(() => {
    const tryOnce = () => {
      // what is forbidden stays so with the same session
      if (stream.status.state !== 'signed_out' || hasTried.current) return;
      hasTried.current = true;
      stream.reconnect();
    };
    if (!byCookie || !isRefused) return;
    void lookAgain((known) => {
      if (known !== null) setTimeout(tryOnce, TRY_AGAIN_MS);
    });
  }, [stream, byCookie, isRefused, lookAgain]);
  return null;
}
