import type { IncomingHttpHeaders } from 'node:http';
import type { SendOutcome } from '@tocsin/contracts';
import type { DeliveryReason } from '@tocsin/contracts/wire';
import type { Posted } from './post';

/** What the body of an answer says, for providers that report errors there and answer 200. */
export interface Verdict {
  status: number;
  retryAfterMs?: number;
}

/** The most characters of an answer that are recorded. */
const MAX_RECORDED = 1_000;

/** The refusals that may end later. Any other 4xx is final. */
const LATER: Readonly<Record<number, DeliveryReason>> = {
  408: 'timeout',
  409: 'rate_limited',
  425: 'rate_limited',
  429: 'rate_limited',
};
const FOR_GOOD: Readonly<Record<number, DeliveryReason>> = {
  401: 'unauthorized',
  403: 'unauthorized',
  404: 'invalid_recipient',
  410: 'gone',
};
const NOT_REACHED = { timeout: 'timeout', connection: 'connection_failed', blocked: 'blocked_address' } as const;
const NO_ANSWER = { timeout: 'timeout', connection: 'connection_lost', too_large: 'answer_too_large' } as const;

/**
 * The outcome of a delivery after its post. A head of 2xx means `sent`, even if the body breaks off. A redirect is a
 * final failure, because the same address would redirect again. `verdictOf` reads the provider's own convention for
 * bodies.
 */
export function judgeAnswer(posted: Posted, verdictOf?: (text: string) => Verdict | undefined): SendOutcome {
  if (posted.is === 'not_reached') {
    const said = { reason: NOT_REACHED[posted.why], answer: posted.detail };
    return posted.why === 'blocked' ? { outcome: 'failed', ...said, of: 'us' } : { outcome: 'retry', ...said };
  }
  if (posted.is === 'no_answer') return { outcome: 'unknown', reason: NO_ANSWER[posted.why], answer: posted.detail };

  const text = textOf(posted.body);
  const verdict = verdictOf?.(text);
  const { status, retryAfterMs } = { status: posted.status, retryAfterMs: readRetryAfter(posted.headers), ...verdict };
  const answer = `${posted.status}${text && ` ${text}`}`.slice(0, MAX_RECORDED).toWellFormed();
  if (status >= 200 && status < 300) return { outcome: 'sent', answer };
  if (status < 400) return { outcome: 'failed', reason: 'redirected', answer };
  const later = status >= 500 ? 'provider_error' : LATER[status];
  if (!later) return { outcome: 'failed', reason: FOR_GOOD[status] ?? 'rejected', answer };
  return {
    outcome: 'retry',
    reason: later,
    answer,
    ...(retryAfterMs !== undefined && { retry_after_ms: retryAfterMs }),
  };
}

/** The text of an answer for users: without control characters, and without bytes that are not UTF-8. */
const textOf = (body: Buffer): string =>
  body
    .toString('utf8')
    .replace(/[\p{Cc}\p{Cf}\ufffd]+/gu, ' ')
    .trim();

/** `Retry-After` in milliseconds: seconds or a date. Undefined when it is neither. The retry policy bounds it. */
export function readRetryAfter({ 'retry-after': value }: IncomingHttpHeaders, now = Date.now()): number | undefined {
  if (value === undefined) return undefined;
  if (/^\d{1,9}$/.test(value.trim())) return Number(value) * 1_000;
  // a date must begin with letters, because `Date.parse` reads many numbers as years
  const at = /^[A-Za-z]{3,9},? /.test(value) ? Date.parse(value) : NaN;
  return Number.isNaN(at) ? undefined : Math.max(0, at - now);
}
