import type { StreamStatus } from '@tocsin/react-client';
import type { Words } from '../words/words';

/** A connection that is made faster than this is not announced as "Connecting". */
const IMPATIENT_MS = 1_000;

type Tone = 'live' | 'busy' | 'bad';

interface Circumstances {
  paused: boolean;
  fresh: number;
  /** The present time by this machine's clock, as in the status. */
  now: number;
  t: Words;
  span(ms: number): string;
}

/** The text and tone of the pill. It never shows `Live` for a connection that is not live. */
export function pillOf(
  status: StreamStatus,
  { paused, fresh, now, t, span }: Circumstances,
): { words: string; tone: Tone } {
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
      return {
        words: t(isUnchecked(status) ? 'pill.unchecked' : 'pill.stale', {
          span: span(now - (status.knownUntil ?? status.since)),
        }),
        tone: 'bad',
      };
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

/** The text for a screen reader, which has no seconds in it: it would read each of them out. */
export function announced(status: StreamStatus) {
  const words = {
    closed: 'pill.connecting',
    connecting: 'pill.connecting',
    catching_up: 'pill.connecting',
    live: 'pill.live',
    stale: isUnchecked(status) ? 'error.unchecked' : 'error.network',
    reconnecting: 'pill.reconnectingNow',
    offline: 'pill.offline',
    signed_out: 'pill.signedOut',
    forbidden: 'pill.forbidden',
  } as const;
  return words[status.state];
}

/** Whether a stale stream is one whose server answers, but cannot reach its event log. */
const isUnchecked = ({ reason }: StreamStatus): boolean => reason === 'log_unchecked';
