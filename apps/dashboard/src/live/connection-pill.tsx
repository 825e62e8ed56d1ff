import { Popover } from 'radix-ui';
import { useEffect, useState } from 'react';
import type { StreamStatus } from '@tocsin/react-client';
import { serverNow } from '../words/clock';
import { agoWords, spanWords } from '../words/time-words';
import { useWords } from '../words/words';
import menu from '../settings/menu.module.css';
import styles from './connection-pill.module.css';
import { FollowedTenants, MOST_IN_A_LINE } from './followed-tenants';
import { announced, pillOf } from './pill-words';

interface Props {
  status: StreamStatus;
  paused: boolean;
  /** How many new alerts wait while the list is paused. */
  fresh: number;
  lastEntryAt: number | null;
  onReconnect(): void;
  onSignIn(): void;
}

/** The state of the connection in a word, with details on click. */
export function ConnectionPill({ status, paused, fresh, lastEntryAt, onReconnect, onSignIn }: Props) {
  const { t, intl } = useWords();
  const now = useSeconds(status.state !== 'live');
  const { words, tone } = pillOf(status, { paused, fresh, now, t, span: (ms) => spanWords(intl, ms) });
  return (
    <div className={styles.frame}>
      {/* only the state is announced: a screen reader would read out each second of a countdown */}
      <span role="status" className="hidden">
        {t(announced(status))}
      </span>
      <Popover.Root>
        <Popover.Trigger
          className={styles.pill}
          data-tone={tone}
          data-state-name={status.state}
          data-testid="pill"
          aria-label={`${words}. ${t('pill.details')}`}
        >
          <span className={styles.dot} aria-hidden />
          <span data-number>{words}</span>
        </Popover.Trigger>
        <Popover.Portal>
          <Popover.Content
            aria-label={t('pill.details')}
            className={menu.panel}
            align="start"
            sideOffset={6}
            collisionPadding={12}
          >
            <Details status={status} lastEntryAt={lastEntryAt} />
          </Popover.Content>
        </Popover.Portal>
      </Popover.Root>
      {status.state === 'reconnecting' && status.retryAt !== null && (
        <button type="button" className={styles.now} onClick={onReconnect}>
          {t('pill.now')}
        </button>
      )}
      {status.state === 'signed_out' && (
        <button type="button" className={styles.now} onClick={onSignIn}>
          {t('signin.go')}
        </button>
      )}
    </div>
  );
}

function Details({ status, lastEntryAt }: { status: StreamStatus; lastEntryAt: number | null }) {
  const { t, intl } = useWords();
  const ago = (at: number | null) => (at === null ? t('pill.never') : agoWords(intl, at, Math.max(at, serverNow())));
  const missed =
    status.gap === null
      ? t('pill.nothing')
      : status.gap.missed === null
        ? t('pill.unknown')
        : intl.formatNumber(status.gap.missed);
  const names = status.tenants.map(({ tenant_id, name }) => name || tenant_id);
  const isLong = names.length > MOST_IN_A_LINE;
  return (
    <div className={styles.details}>
      {status.detail && <p className={styles.sentence}>{status.detail}</p>}
      <dl>
        <div>
          <dt>{t('pill.tenants')}</dt>
          <dd>{isLong ? intl.formatNumber(names.length) : names.join(', ') || '–'}</dd>
        </div>
        <div>
          <dt>{t('pill.heartbeat')}</dt>
          <dd>{ago(status.lastHeardAt)}</dd>
        </div>
        <div>
          <dt>{t('pill.entry')}</dt>
          <dd>{ago(lastEntryAt)}</dd>
        </div>
        <div>
          <dt>{t('pill.resumed')}</dt>
          <dd>{t('pill.times', { count: status.resumed })}</dd>
        </div>
        <div>
          <dt>{t('pill.missed')}</dt>
          <dd>{missed}</dd>
        </div>
        <div>
          <dt>{t('pill.shared')}</dt>
          <dd>{t(status.isLeader ? 'pill.leader' : 'pill.follower')}</dd>
        </div>
      </dl>
      {isLong && <FollowedTenants names={names} />}
    </div>
  );
}

/** The present time, updated every half second while `enabled`. */
function useSeconds(enabled: boolean): number {
  const [now, setNow] = useState(Date.now);
  useEffect(() => {
    if (!enabled) return;
    const timer = setInterval(() => setNow(Date.now()), 500);
    return () => clearInterval(timer);
  }, [enabled]);
  return now;
}
