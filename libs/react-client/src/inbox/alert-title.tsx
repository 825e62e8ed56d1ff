import type { MouseEvent, ReactNode } from 'react';
import type { Alert } from '@tocsin/contracts/wire';
import { useFace } from './inbox-face';

/** Whether titles lead out of the inbox, so that the details need a button of their own. */
export const leadsAway = ({ href, onOpen }: { href?: unknown; onOpen?: unknown }): boolean =>
  href !== undefined || onOpen !== undefined;

/**
 * The title of an alert: a link to the application's own page (`href`), a button that tells the application (`onOpen`),
 * or one that shows the details inside the inbox.
 */
export function AlertTitle({ alert }: { alert: Alert }): ReactNode {
  const { href, onOpen, showDetails } = useFace();
  const { alert_id: alertId } = alert;
  if (href !== undefined) {
    // a click with a modifier opens the link elsewhere, as for any link
    const follow = (event: MouseEvent) => {
      if (!onOpen || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
      event.preventDefault();
      onOpen(alertId);
    };
    return (
      <a className="tocsin-title" data-tocsin-title={alertId} href={href(alert)} onClick={follow}>
        {alert.title}
      </a>
    );
  }
  return (
    <button
      type="button"
      className="tocsin-title tocsin-link"
      data-tocsin-title={alertId}
      onClick={() => (onOpen ?? showDetails)(alertId)}
    >
      {alert.title}
    </button>
  );
}
