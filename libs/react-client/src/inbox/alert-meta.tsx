import type { ReactNode } from 'react';
import type { Alert } from '@tocsin/contracts/wire';
import { Ago, whenText } from './ago';
import { personIn, useFace, type InboxFace } from './inbox-face';

/** The user who is on the alert: its assignee, or the one who acknowledged it; null: no user is. */
function whoIn(face: InboxFace, { assignee, status, actor }: Alert): string | null {
  if (assignee !== null) return face.words.assignedTo(personIn(face, assignee));
  return status === 'acknowledged' && actor !== null ? face.words.acknowledgedBy(personIn(face, actor)) : null;
}

function statusIn({ words, locale, now }: InboxFace, { status, snoozed_until }: Alert): string {
  if (status !== 'snoozed' || snoozed_until === null) return words.status[status];
  return words.snoozedUntil(whenText(locale, Date.parse(snoozed_until), now));
}

/** One line: service, tenant, how often and when, the status, and who is on it. */
export function AlertMeta({ alert }: { alert: Alert }): ReactNode {
  const face = useFace();
  const tenant = face.tenantOf(alert);
  const who = whoIn(face, alert);
  // "acknowledged by Ben" says the status already
  const status = who !== null && alert.assignee === null ? '' : statusIn(face, alert);
  return (
    <span className="tocsin-meta">
      {alert.service}
      {tenant !== null && ` · ${tenant}`}
      {alert.occurrences > 1 && ` · ×${alert.occurrences}`} · <Ago at={alert.last_seen_at} />
      {status !== '' && ` · ${status}`}
      {who !== null && <span className="tocsin-who"> · {who}</span>}
    </span>
  );
}
