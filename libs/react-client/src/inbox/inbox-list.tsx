import { useEffect, type ReactNode } from 'react';
import type { AlertSearch } from '@tocsin/contracts/wire';
import { useAlerts, useConnectionStatus } from '../react/hooks';
import type { StreamStatus } from '../stream/status';
import { whenText } from './ago';
import { useFace } from './inbox-face';
import { InboxRow } from './inbox-row';
import type { InboxTab } from './inbox-words';

/** What a tab asks for beyond the inbox's own search. */
const NARROWED: Record<InboxTab, AlertSearch> = {
  all: {},
  mine: { assignee: ['me'] },
  urgent: { severity: ['urgent'] },
};

/**
 * Until when a list is known to be what the server has, in milliseconds: it was loaded then, or changed with the stream
 * until that was lost.
 */
export const knownAt = ({ knownUntil }: StreamStatus, loadedAt: number): number => Math.max(loadedAt, knownUntil ?? 0);

interface Props {
  tab: InboxTab;
  search: AlertSearch;
  /** Called with the alerts that are shown. */
  onShown(alertIds: readonly string[]): void;
}

/** The alerts of a tab; or why there are none. */
export function InboxList({ tab, search, onShown }: Props): ReactNode {
  const { words, locale, now } = useFace();
  const list = useAlerts({ ...search, ...NARROWED[tab] });
  const status = useConnectionStatus();
  const { state } = status;
  const isCurrent = state === 'live' || state === 'catching_up';
  useEffect(() => onShown(list.alerts.map(({ alert_id }) => alert_id)), [list.alerts, onShown]);

  const nothing = () => {
    if (list.loadedAt === null) return list.error ? null : words.loading;
    if (list.hasMore) return words.emptySoFar;
    if (isCurrent) return typeof words.empty === 'string' ? words.empty : words.empty[tab];
    return words.emptyAsOf(whenText(locale, knownAt(status, list.loadedAt), now));
  };
  const text = list.alerts.length === 0 ? nothing() : null;
  return (
    <>
      {list.error && (
        <p className="tocsin-notice" role="alert">
          {words.failed(list.error.message, list.error.code)}{' '}
          <button type="button" onClick={() => void list.reload()}>
            {words.retry}
          </button>
        </p>
      )}
      {text !== null && (
        <p className="tocsin-empty" role="status">
          {text}
        </p>
      )}
      {list.alerts.length > 0 && (
        <ul>
          {list.alerts.map((alert) => (
            <InboxRow key={alert.alert_id} alert={alert} />
          ))}
        </ul>
      )}
      {list.hasMore && (
        <button type="button" className="tocsin-more" disabled={list.loadingMore} onClick={() => void list.loadMore()}>
          {words.more}
        </button>
      )}
    </>
  );
}
