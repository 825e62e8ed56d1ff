import type { ReactNode, Ref } from 'react';
import type { Unseen } from '../react/use-unseen';
import { useConnectionStatus } from '../react/hooks';
import type { InboxWords } from './inbox-words';
import { SeverityMark } from './severity-mark';

interface Props {
  bellRef: Ref<HTMLButtonElement>;
  unseen: Unseen;
  words: InboxWords;
  /** The id of the panel. */
  controls: string;
  open: boolean;
  onClick(): void;
}

/**
 * The bell. Its badge counts the unseen alerts that are urgent or high; the shape of the worst severity stands beside
 * the number, and a `+` when there may be more. Without access the badge is an exclamation mark.
 */
export function InboxBell({ bellRef, unseen, words, controls, open, onClick }: Props): ReactNode {
  const { state } = useConnectionStatus();
  const hasNoAccess = state === 'signed_out' || state === 'forbidden';
  const count = unseen.alerts.length;
  const urgent = unseen.alerts.filter(({ severity }) => severity === 'urgent').length;
  const worst = urgent > 0 ? 'urgent' : 'high';
  const name = () => {
    if (hasNoAccess) return `${words.title}: ${words.state[state]}`;
    return unseen.isKnown ? words.unseen(count, urgent, unseen.more) : words.title;
  };
  return (
    <button
      ref={bellRef}
      type="button"
      className="tocsin-bell"
      aria-expanded={open}
      aria-controls={controls}
      aria-label={name()}
      onClick={onClick}
    >
      <svg viewBox="0 0 24 24" width="20" height="20" aria-hidden="true">
        <path
          d="M12 2a6 6 0 0 0-6 6v5l-2 3v1h16v-1l-2-3V8a6 6 0 0 0-6-6zm0 20a3 3 0 0 0 3-3H9a3 3 0 0 0 3 3z"
          fill="currentColor"
        />
      </svg>
      {hasNoAccess && <span className="tocsin-count">!</span>}
      {!hasNoAccess && count > 0 && (
        <span className={`tocsin-count tocsin-${worst}`}>
          <SeverityMark severity={worst} word={words.severity[worst]} />
          {count}
          {unseen.more && '+'}
        </span>
      )}
    </button>
  );
}
