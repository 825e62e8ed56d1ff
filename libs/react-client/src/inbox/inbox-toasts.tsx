import type { ReactNode } from 'react';
import { ACT_RULES, type Entry } from '@tocsin/contracts/wire';
import { alertAfter } from '../alerts/alert-from-entry';
import { AlertTitle } from './alert-title';
import { useFace } from './inbox-face';
import { SeverityMark } from './severity-mark';
import type { Toasts } from './use-toasts';

/** Toasts for the newest alerts. A screen reader reads them out, urgent ones at once. */
export function InboxToasts({
  toasts: { shown, behind, dismiss, dismissAll, hold },
  refusal,
  onRead,
}: {
  toasts: Toasts;
  /** Why the last act was refused, when nothing else says so; else null. */
  refusal: string | null;
  onRead(): void;
}): ReactNode {
  const { words, tenantOf, act } = useFace();
  const toast = (entry: Entry) => {
    const tenant = tenantOf(entry);
    return (
      <div
        key={entry.alert_id}
        className={`tocsin-toast tocsin-${entry.severity}`}
        role={entry.severity === 'urgent' ? 'alert' : 'status'}
      >
        <SeverityMark severity={entry.severity} word={words.severity[entry.severity]} />
        <div className="tocsin-text">
          <AlertTitle alert={alertAfter(undefined, entry)} />
          <span className="tocsin-meta">
            {entry.service}
            {tenant !== null && ` · ${tenant}`}
            {entry.occurrences > 1 && ` · ×${entry.occurrences}`}
            {words.status[entry.status] && ` · ${words.status[entry.status]}`}
          </span>
        </div>
        {ACT_RULES.acknowledge.from?.includes(entry.status) && (
          <button
            type="button"
            aria-label={`${words.acknowledge}: ${entry.title}`}
            onClick={() => void act(entry.alert_id, { act: 'acknowledge' })}
          >
            {words.acknowledge}
          </button>
        )}
        <button
          type="button"
          className="tocsin-plain"
          aria-label={`${words.dismiss}: ${entry.title}`}
          onClick={() => dismiss(entry.alert_id)}
        >
          ×
        </button>
      </div>
    );
  };
  return (
    <div
      className="tocsin-toasts"
      onPointerEnter={({ currentTarget }) => hold(currentTarget)}
      onPointerLeave={() => hold(null)}
      onFocus={({ currentTarget }) => hold(currentTarget)}
      onBlur={() => hold(null)}
    >
      {refusal !== null && (
        <div className="tocsin-toast" role="alert">
          <span className="tocsin-text">{refusal}</span>
          <button type="button" className="tocsin-plain" aria-label={words.dismiss} onClick={onRead}>
            ×
          </button>
        </div>
      )}
      {shown.map(toast)}
      {behind.count > 0 && (
        <div className="tocsin-toast">
          <span className="tocsin-text">{words.andMore(behind.count, behind.urgent)}</span>
          <button type="button" className="tocsin-plain" aria-label={words.dismiss} onClick={dismissAll}>
            ×
          </button>
        </div>
      )}
    </div>
  );
}
