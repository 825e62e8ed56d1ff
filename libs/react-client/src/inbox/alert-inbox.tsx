'use client';

import { useCallback, useEffect, useId, useMemo, useRef, useState, type ReactNode } from 'react';
import type { Alert, AlertAct, AlertSearch } from '@tocsin/contracts/wire';
import { useAct, useAlertStore, useAlertStream, useConnectionStatus } from '../react/hooks';
import { useUnseen } from '../react/use-unseen';
import { InboxBell } from './inbox-bell';
import { FaceContext, useServerNow, wordsFor, type InboxFace } from './inbox-face';
import { InboxPanel } from './inbox-panel';
import { InboxToasts } from './inbox-toasts';
import type { InboxWords } from './inbox-words';
import { useToasts } from './use-toasts';

export interface AlertInboxProps {
  /**
   * Which alerts the inbox lists. Default: the alerts with status `firing` or `acknowledged`, newest first. The badge
   * counts those of them that are firing, urgent or high, and unseen.
   */
  search?: AlertSearch;
  /** Whether new alerts are toasted. Default: true. */
  toasts?: boolean;
  /**
   * The address of an alert on your own pages: its title is then a link. Default: the title shows the details inside
   * the inbox.
   */
  href?: (alert: Alert) => string;
  /**
   * Called with the alert's id when its title is clicked: your page shows the alert. Together with `href`, it is called
   * for plain clicks, and the link serves all others.
   */
  onOpen?: (alertId: string) => void;
  /** Called when the user clicks "Sign in again". Default: the stream asks for a token once more. */
  onSignIn?: () => void;
  /** The inbox's texts in your language, all or some. Default for each: the built-in text. */
  words?: Partial<InboxWords>;
  /**
   * The locale of texts and times. Built in are Spanish (`es` and its regions) and English (any other). Default:
   * English, with times as the browser writes them.
   */
  locale?: string;
  /** `auto` follows the user's system. Default: the `color-scheme` of the element around the inbox. */
  colorScheme?: 'light' | 'dark' | 'auto';
  className?: string;
}

const OPEN: AlertSearch = { status: ['firing', 'acknowledged'] };

/**
 * A bell with a badge, a list with details that it opens, and toasts. It works on any page and in any shadow root
 * inside an `<AlertStreamProvider>`. Its style is `@tocsin/react-client/inbox.css` with CSS variables. Alert text is
 * always shown as text, never as markup.
 */
export function AlertInbox(props: AlertInboxProps): ReactNode {
  const { search = OPEN, toasts = true, href, onOpen, onSignIn, words: own, locale, colorScheme, className } = props;
  const words = { ...wordsFor(locale), ...own };
  const stream = useAlertStream();
  const { tenants, clockOffsetMs } = useConnectionStatus();
  const { act } = useAct();
  const store = useAlertStore();
  const unseen = useUnseen(search);
  const [open, setOpen] = useState(false);
  const [shown, setShown] = useState<string | null>(null);
  const [refusal, setRefusal] = useState<string | null>(null);
  const toasting = useToasts(toasts);
  const inbox = useRef<HTMLDivElement>(null);
  const bell = useRef<HTMLButtonElement>(null);
  const id = useId();
  const now = useServerNow(open, clockOffsetMs);
  const names = useMemo(() => new Map(tenants.map(({ tenant_id, name }) => [tenant_id, name])), [tenants]);

  const { seeAll, see } = unseen;
  const show = (alertId: string | null) => {
    // what has come until now is seen when the list opens; what comes while it is open, when it is shown
    if (!open) seeAll();
    setOpen(true);
    setShown(alertId);
    setRefusal(null);
  };
  const close = useCallback(() => {
    setOpen(false);
    setShown(null);
    setRefusal(null);
    seeAll();
  }, [seeAll]);
  const closeAndReturn = () => {
    close();
    bell.current?.focus();
  };
  useEffect(() => {
    if (!open) return;
    // in a shadow root the target of the event would be the root's host: the path has the element itself
    const outside = (event: PointerEvent) => event.composedPath().includes(inbox.current!) || close();
    document.addEventListener('pointerdown', outside);
    return () => document.removeEventListener('pointerdown', outside);
  }, [open, close]);

  const face: InboxFace = {
    words,
    locale,
    now,
    user: stream.user,
    tenantOf: ({ tenant_id }) => (names.size > 1 ? (names.get(tenant_id) ?? tenant_id) : null),
    href,
    onOpen,
    showDetails: show,
    act: async (alertId: string, what: AlertAct) => {
      const toast = what.act === 'acknowledge' && toasting.shown.find(({ alert_id }) => alert_id === alertId);
      if (toast) toasting.dismiss(alertId);
      const { refused } = await act(alertId, what);
      const [first] = refused;
      setRefusal(first ? words.refused(first.detail, first.code) : null);
      // an act that was not answered may have been done all the same, and another user may have done it
      const status = store.lastKnown(alertId)?.status;
      if (toast && first && (status === 'firing' || status === toast.status)) toasting.restore(toast);
      return !first;
    },
  };

  return (
    <FaceContext.Provider value={face}>
      <div
        ref={inbox}
        className={['tocsin-inbox', colorScheme && `tocsin-scheme-${colorScheme}`, className].filter(Boolean).join(' ')}
      >
        <InboxBell
          bellRef={bell}
          unseen={unseen}
          words={words}
          controls={id}
          open={open}
          onClick={() => (open ? closeAndReturn() : show(null))}
        />
        {open && (
          <InboxPanel
            id={id}
            search={search}
            shown={shown}
            refusal={refusal}
            onShown={see}
            onBack={() => setShown(null)}
            onClose={closeAndReturn}
            onSignIn={onSignIn}
          />
        )}
        {toasts && <InboxToasts toasts={toasting} refusal={open ? null : refusal} onRead={() => setRefusal(null)} />}
      </div>
    </FaceContext.Provider>
  );
}
