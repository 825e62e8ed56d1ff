import { useEffect, useId, useRef, type ReactNode } from 'react';
import type { Alert } from '@tocsin/contracts/wire';
import { useAlert, useIsMissing } from '../react/hooks';
import { exactText } from './ago';
import { AlertMeta } from './alert-meta';
import { InboxActs } from './inbox-acts';
import { useFace } from './inbox-face';
import { InboxHistory } from './inbox-history';
import { SeverityMark } from './severity-mark';

/** One alert inside the inbox: message, labels, links, history, and what the user can do. */
export function InboxDetails({ alertId, back }: { alertId: string; back(): void }): ReactNode {
  const { words } = useFace();
  const alert = useAlert(alertId);
  const isMissing = useIsMissing(alertId);
  const first = useRef<HTMLButtonElement>(null);
  const titleId = useId();
  useEffect(() => first.current?.focus(), [alertId]);
  return (
    <section className="tocsin-details" aria-labelledby={alert && titleId}>
      <button ref={first} type="button" className="tocsin-plain" onClick={back}>
        ‹ {words.back}
      </button>
      {alert ? (
        <Shown alert={alert} titleId={titleId} />
      ) : (
        <p role="status">{isMissing ? words.missing : words.loading}</p>
      )}
    </section>
  );
}

function Shown({ alert, titleId }: { alert: Alert; titleId: string }): ReactNode {
  const face = useFace();
  const { words, href } = face;
  const labels = Object.entries(alert.labels);
  const links = alert.actions.filter(({ url }) => url !== undefined && /^https?:\/\//i.test(url));
  return (
    <>
      <h3 id={titleId}>
        <SeverityMark severity={alert.severity} word={words.severity[alert.severity]} />{' '}
        {href ? <a href={href(alert)}>{alert.title}</a> : alert.title}
      </h3>
      <AlertMeta alert={alert} />
      {alert.message !== null && <p className="tocsin-whole-message">{alert.message}</p>}
      <InboxActs alert={alert} />
      {links.length > 0 && (
        <p className="tocsin-links">
          {links.map(({ label, url }) => (
            <a key={label + url} href={url} target="_blank" rel="noopener noreferrer">
              {label}
            </a>
          ))}
        </p>
      )}
      <dl>
        <div>
          <dt>{words.firstSeen}</dt>
          <dd>{exactText(face, alert.first_seen_at)}</dd>
        </div>
        <div>
          <dt>{words.lastSeen}</dt>
          <dd>
            {exactText(face, alert.last_seen_at)}
            {alert.occurrences > 1 && ` · ${words.occurrences(alert.occurrences)}`}
          </dd>
        </div>
      </dl>
      {labels.length > 0 && (
        <>
          <h4>{words.labels}</h4>
          <dl>
            {labels.map(([key, value]) => (
              <div key={key}>
                <dt>{key}</dt>
                <dd>{value}</dd>
              </div>
            ))}
          </dl>
        </>
      )}
      <InboxHistory alertId={alert.alert_id} />
    </>
  );
}
