import { Popover } from 'radix-ui';
import { useEffect, useState } from 'react';
import type { StreamStatus } from '@tocsin/react-client';
import { serverNow } from '../words/clock';
import { agoWords, spanWords } from '../words/time-words';
import { useWords, type Words } from '../words/words';
import menu from '../settings/menu.module.css';
import styles from './connection-pill.module.css';
import { FollowedTenants, MOST_IN_A_LINE } from './followed-tenants';

/** A connection that is made faster than this is not announced as "Connecting". */
const IMPATIENT_MS = 1_000;

interface Props {
  status: StreamStatus;
  paused: boolean;
  /** How many new alerts wait while the list is paused. */
  fresh: number;
  lastEntryAt: number | null;
  onReconnect(): void;
  onSignIn(): void;
}

type Tone = 'live' | 'busy' | 'bad';

/** The state of the connection in a word, with details on click. */
export function ConnectionPill({ status, paused, fresh, lastEntryAt, onReconnect, onSignIn }: Props) {
  const { t, intl } = useWords();
  const now = useSeconds(status.state !== 'live');
  const { words, tone } = pillOf(status, { paused, fresh, now, t, span: (ms) => spanWords(intl, ms) });
  return (
    <div className={styles.frame}>
      {/* only the state is announced: a screen reader would read out each second of a countdown */}
      <span role="status" className="hidden">
        {t(announced(status.state))}
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

interface Circumstances {
  paused: boolean;
  fresh: number;
  /** The present time by this machine's clock, as in the status. */
  now: number;
  t: Words;
  span(ms: number): string;
}

/** The text and tone of the pill. It never shows `Live` for a connection that is not live. */
function pillOf(status: StreamStatus, { paused, fresh, now, t, span }: Circumstances): { words: string; tone: Tone } {
  switch (status.state) {
    case 'closed':
    case 'connecting':
      return { words: now - status.since < IMPATIENT_MS ? '…' : t('pill.connecting'), tone: 'busy' };
    case 'catching_up':
      return { words: t('pill.catchingUp', { left: status.left }), tone: 'busy' };
    case 'live':
      return paused
        ? { words: t('pill.paused', { count: fresh }), tone: 'busy' }
        : { words: t('pill.live'), tone: 'live' };
    case 'stale':
      return { words: t('pill.stale', { span: span(now - (status.knownUntil ?? status.since)) }), tone: 'bad' };
    case 'reconnecting':
      return {
        words:
          status.retryAt === null || status.retryAt <= now
            ? t('pill.reconnectingNow')
            : t('pill.reconnecting', { seconds: Math.ceil((status.retryAt - now) / 1_000) }),
        tone: 'bad',
      };
    case 'offline':
      return { words: t('pill.offline'), tone: 'bad' };
    case 'signed_out':
      return { words: t('pill.signedOut'), tone: 'bad' };
    case 'forbidden':
      return { words: t('pill.forbidden'), tone: 'bad' };
  }
}

function announced(state: StreamStatus['state']) {
  const words = {
    closed: 'pill.connecting',
    connecting: 'pill.connecting',
    catching_up: 'pill.connecting',
    live: 'pill.live',
    stale: 'error.network',
    reconnecting: 'pill.reconnectingNow',
    offline: 'pill.offline',
    signed_out: 'pill.signedOut',
    forbidden: 'pill.forbidden',
  } as const;
  return words[state];
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
