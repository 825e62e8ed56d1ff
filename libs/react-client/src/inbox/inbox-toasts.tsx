import type { ReactNode } from 'react';
import type { Entry } from '@tocsin/contracts/wire';
import type { InboxWords } from './inbox-words';
import { SeverityMark } from './severity-mark';
import type { Toasts } from './use-toasts';

interface Props {
  toasts: Toasts;
  words: InboxWords;
  onAcknowledge(alertId: string): void;
  onOpen?: (alertId: string) => void;
}

/** Toasts for the newest alerts. A screen reader reads them out, urgent ones at once. */
export function InboxToasts({
  toasts: { shown, behind, dismiss, dismissAll, hold },
  words,
  onAcknowledge,
  onOpen,
}: Props): ReactNode {
  const toast = (entry: Entry) => (
    <li
      key={entry.alert_id}
      className={`tocsin-toast tocsin-${entry.severity}`}
      role={entry.severity === 'urgent' ? 'alert' : 'status'}
    >
      <SeverityMark severity={entry.severity} word={words.severity[entry.severity]} />
      <div className="tocsin-text">
        {onOpen ? (
          <button type="button" className="tocsin-title tocsin-link" onClick={() => onOpen(entry.alert_id)}>
            {entry.title}
          </button>
        ) : (
          <span className="tocsin-title">{entry.title}</span>
        )}
        <span className="tocsin-meta">
          {entry.service}
          {entry.occurrences > 1 && ` ×${entry.occurrences}`}
        </span>
      </div>
      <button type="button" onClick={() => onAcknowledge(entry.alert_id)}>
        {words.acknowledge}
      </button>
      <button
        type="button"
        className="tocsin-plain"
        aria-label={`${words.dismiss}: ${entry.title}`}
        onClick={() => dismiss(entry.alert_id)}
      >
        ×
      </button>
    </li>
  );
  return (
    <ul
      className="tocsin-toasts"
      onPointerEnter={() => hold(true)}
      onPointerLeave={() => hold(false)}
      onFocus={() => hold(true)}
      onBlur={() => hold(false)}
    >
      {shown.map(toast)}
      {behind.count > 0 && (
        <li className="tocsin-toast">
          <span className="tocsin-text">{words.andMore(behind.count, behind.urgent)}</span>
          <button type="button" className="tocsin-plain" aria-label={words.dismiss} onClick={dismissAll}>
            ×
          </button>
        </li>
      )}
    </ul>
  );
}
