import { useEffect, useId, useRef, useState, type ReactNode } from 'react';
import type { Alert, AlertSearch } from '@tocsin/contracts/wire';
import { useAct, useAlertStream, useAlerts, useConnectionStatus } from '../react/hooks';
import { ENGLISH, type InboxWords } from './inbox-words';
import { InboxToasts } from './inbox-toasts';
import { SeverityMark } from './severity-mark';
import { useToasts } from './use-toasts';

export interface AlertInboxProps {
  /** Which alerts the inbox lists and counts. Default: the alerts with status `firing`, newest first. */
  search?: AlertSearch;
  /** Whether new alerts are toasted. Default: true. */
  toasts?: boolean;
  /**
   * Called with the alert's id when its title is clicked: your page shows the alert. Without it titles are plain text.
   */
  onOpen?: (alertId: string) => void;
  /** Called when the user clicks "Sign in again". Default: the stream asks for a token once more. */
  onSignIn?: () => void;
  /** The inbox's texts in your language. Default for each: English. */
  words?: Partial<InboxWords>;
  /** The locale of times. Default: the browser's own. */
  locale?: string;
  className?: string;
}

const FIRING: AlertSearch = { status: ['firing'] };

/**
 * A bell with a count, a list that it opens, and toasts. It works on any page inside an `<AlertStreamProvider>`. Its
 * style is `@tocsin/react-client/inbox.css` with CSS variables. Alert text is always shown as text, never as markup.
 */
export function AlertInbox({
  search = FIRING,
  toasts = true,
  onOpen,
  onSignIn,
  words: own,
  locale,
  className,
}: AlertInboxProps): ReactNode {
  const words = { ...ENGLISH, ...own };
  const list = useAlerts(search);
  const stream = useAlertStream();
  const { state, gap } = useConnectionStatus();
  const { act } = useAct();
  const [open, setOpen] = useState(false);
  const [refusal, setRefusal] = useState<string | null>(null);
  const toasting = useToasts(toasts);
  const panel = useRef<HTMLDivElement>(null);
  const bell = useRef<HTMLButtonElement>(null);
  const id = useId();
  const urgent = list.alerts.filter(({ severity }) => severity === 'urgent').length;

  const close = () => {
    setOpen(false);
    bell.current?.focus();
  };
  useEffect(() => {
    if (!open) return;
    panel.current?.focus();
    const outside = ({ target }: PointerEvent) => {
      if (!panel.current?.contains(target as Node) && !bell.current?.contains(target as Node)) setOpen(false);
    };
    document.addEventListener('pointerdown', outside);
    return () => document.removeEventListener('pointerdown', outside);
  }, [open]);

  const acknowledge = async (alertId: string) => {
    toasting.dismiss(alertId);
    const { refused } = await act(alertId, { act: 'acknowledge' });
    setRefusal(refused[0] ? words.refused(refused[0].detail) : null);
  };
  const row = (alert: Alert) => (
    <li key={alert.alert_id} className={`tocsin-row tocsin-${alert.severity}`}>
      <SeverityMark severity={alert.severity} word={words.severity[alert.severity]} />
      <div className="tocsin-text">
        {onOpen ? (
          <button type="button" className="tocsin-title tocsin-link" onClick={() => onOpen(alert.alert_id)}>
            {alert.title}
          </button>
        ) : (
          <span className="tocsin-title">{alert.title}</span>
        )}
        {alert.message !== null && <span className="tocsin-message">{alert.message}</span>}
        <span className="tocsin-meta">
          {alert.service}
          {alert.occurrences > 1 && ` ×${alert.occurrences}`} ·{' '}
          <time dateTime={alert.last_seen_at}>
            {new Date(alert.last_seen_at).toLocaleTimeString(locale, { hour: '2-digit', minute: '2-digit' })}
          </time>
          {words.status[alert.status] && ` · ${words.status[alert.status]}`}
        </span>
      </div>
      {alert.status === 'firing' && (
        <button
          type="button"
          aria-label={`${words.acknowledge}: ${alert.title}`}
          onClick={() => void acknowledge(alert.alert_id)}
        >
          {words.acknowledge}
        </button>
      )}
    </li>
  );

  return (
    <div className={`tocsin-inbox ${className ?? ''}`}>
      <button
        ref={bell}
        type="button"
        className="tocsin-bell"
        aria-expanded={open}
        aria-controls={id}
        aria-label={list.loadedAt === null ? words.title : words.open(list.alerts.length, urgent)}
        onClick={() => (open ? close() : setOpen(true))}
      >
        <svg viewBox="0 0 24 24" width="20" height="20" aria-hidden="true">
          <path
            d="M12 2a6 6 0 0 0-6 6v5l-2 3v1h16v-1l-2-3V8a6 6 0 0 0-6-6zm0 20a3 3 0 0 0 3-3H9a3 3 0 0 0 3 3z"
            fill="currentColor"
          />
        </svg>
        {list.alerts.length > 0 && (
          <span className={`tocsin-count ${urgent > 0 ? 'tocsin-urgent' : ''}`}>
            {list.alerts.length}
            {list.hasMore && '+'}
          </span>
        )}
      </button>
      {open && (
        <div
          ref={panel}
          id={id}
          className="tocsin-panel"
          role="dialog"
          aria-label={words.title}
          tabIndex={-1}
          onKeyDown={({ key }) => key === 'Escape' && close()}
        >
          <header>
            <strong>{words.title}</strong>
            <span role="status">{words.state[state]}</span>
            {state === 'signed_out' && (
              <button type="button" onClick={onSignIn ?? (() => stream.reconnect())}>
                {words.signIn}
              </button>
            )}
            <button type="button" className="tocsin-plain" aria-label={words.close} onClick={close}>
              ×
            </button>
          </header>
          {gap && (
            <p className="tocsin-notice" role="status">
              {words.missed(gap.missed)}{' '}
              <button type="button" onClick={() => void list.reload()}>
                {words.reload}
              </button>
            </p>
          )}
          {(refusal ?? list.error) && (
            <p className="tocsin-notice" role="alert">
              {refusal ?? list.error?.message}
            </p>
          )}
          {list.loadedAt !== null && list.alerts.length === 0 ? (
            <p className="tocsin-empty">{list.hasMore ? words.emptySoFar : words.empty}</p>
          ) : (
            <ul>{list.alerts.map(row)}</ul>
          )}
          {list.hasMore && (
            <button type="button" disabled={list.loadingMore} onClick={() => void list.loadMore()}>
              {words.more}
            </button>
          )}
        </div>
      )}
      {toasts && (
        <InboxToasts
          toasts={toasting}
          words={words}
          onAcknowledge={(alertId) => void acknowledge(alertId)}
          onOpen={onOpen}
        />
      )}
    </div>
  );
}
