import type { ReactNode } from 'react';
import type { Entry } from '@tocsin/contracts/wire';
import { useAlertHistory } from '../react/use-alert-history';
import { Ago } from './ago';
import { personIn, useFace, type InboxFace } from './inbox-face';

/** What an entry says happened. */
export function changeText(face: InboxFace, { change, severity, assignee }: Entry): string {
  const { words } = face;
  if (change === 'severity_raised' || change === 'severity_lowered')
    return `${words.change[change]}: ${words.severity[severity]}`;
  if (change === 'assigned')
    return assignee === null ? words.wasUnassigned : words.wasAssignedTo(personIn(face, assignee));
  return words.change[change];
}

/** What happened to an alert, the newest first. */
export function InboxHistory({ alertId }: { alertId: string }): ReactNode {
  const face = useFace();
  const { words } = face;
  const history = useAlertHistory(alertId);
  return (
    <section className="tocsin-history">
      <h4>{words.history}</h4>
      {history.error && <p role="alert">{words.failed(history.error.message, history.error.code)}</p>}
      <ul>
        {history.entries.map((entry) => (
          <li key={entry.seq}>
            <span className="tocsin-change">{changeText(face, entry)}</span>
            {entry.actor !== null && ` ${words.by(personIn(face, entry.actor))}`} · <Ago at={entry.received_at} />
            {entry.note !== null && <span className="tocsin-note">{entry.note}</span>}
          </li>
        ))}
      </ul>
      {history.loading && <p role="status">{words.loading}</p>}
      {history.hasMore && !history.loading && (
        <button type="button" onClick={() => void history.loadMore()}>
          {words.more}
        </button>
      )}
    </section>
  );
}
