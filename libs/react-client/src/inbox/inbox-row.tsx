import { useRef, type ReactNode } from 'react';
import type { Alert } from '@tocsin/contracts/wire';
import { AlertMeta } from './alert-meta';
import { AlertTitle, leadsAway } from './alert-title';
import { useFace } from './inbox-face';
import { SeverityMark } from './severity-mark';

/** One alert of the list. */
export function InboxRow({ alert }: { alert: Alert }): ReactNode {
  const face = useFace();
  const { words } = face;
  const row = useRef<HTMLLIElement>(null);
  const acknowledge = () => {
    // the button goes when the alert is acknowledged: the focus stays in the row
    row.current?.querySelector<HTMLElement>('[data-tocsin-title]')?.focus();
    void face.act(alert.alert_id, { act: 'acknowledge' });
  };
  return (
    <li ref={row} className={`tocsin-row tocsin-${alert.severity}`}>
      <SeverityMark severity={alert.severity} word={words.severity[alert.severity]} />
      <div className="tocsin-text">
        <AlertTitle alert={alert} />
        {alert.message !== null && <span className="tocsin-message">{alert.message}</span>}
        <AlertMeta alert={alert} />
      </div>
      {alert.status === 'firing' && (
        <button type="button" aria-label={`${words.acknowledge}: ${alert.title}`} onClick={acknowledge}>
          {words.acknowledge}
        </button>
      )}
      {leadsAway(face) && (
        <button
          type="button"
          className="tocsin-plain"
          data-tocsin-details={alert.alert_id}
          aria-label={`${words.details}: ${alert.title}`}
          onClick={() => face.showDetails(alert.alert_id)}
        >
          ›
        </button>
      )}
    </li>
  );
}
