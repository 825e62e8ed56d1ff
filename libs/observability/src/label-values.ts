import {
  CLOSE_REASONS,
  GAP_REASONS,
  REQUEST_ERROR_CODES,
  SLOT_SCOPES,
  type CloseReason,
  type ErrorCode,
  type GapReason,
  type Verdict,
} from '@tocsin/contracts';
import {
  ATTEMPT_OUTCOMES,
  CHANNELS,
  DELIVERY_STATUSES,
  type AttemptOutcome,
  type Channel,
  type DeliveryStatus,
} from '@tocsin/contracts/wire';

// All values of the labels of the counters. A series whose value is missing here starts at 1, so an alert rule does not
// see its first increase.

/** Error codes with which no request for a stream is refused. Every other one exists at 0, a new one too. */
const NOT_OF_STREAMS: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'role_forbidden',
  'invalid_cursor',
  'cursor_expired',
  'empty_batch',
  'batch_too_large',
  'already_decided',
  'alert_conflict',
  'truncated',
  'publish_failed',
  'queue_full',
]);
const STREAM_REFUSALS = REQUEST_ERROR_CODES.filter((code) => !NOT_OF_STREAMS.has(code));

/** Why a feed reads the log. */
export const BACKFILL_CAUSES = ['gap', 'check', 'hint'] as const;

/** The outcome of a request for a stream, and its reason. */
export type StreamOutcome = { outcome: Verdict; reason: GapReason | '' } | { outcome: 'refused'; reason: ErrorCode };

export const STREAM_OUTCOMES: readonly StreamOutcome[] = [
  { outcome: 'fresh', reason: '' },
  { outcome: 'resumed', reason: '' },
  ...GAP_REASONS.map((reason) => ({ outcome: 'gap' as const, reason })),
  ...STREAM_REFUSALS.map((reason) => ({ outcome: 'refused' as const, reason })),
];

export const STREAM_ENDS: readonly (CloseReason | 'client' | 'vanished')[] = [
  ...(Object.keys(CLOSE_REASONS) as CloseReason[]),
  'client',
  'vanished',
];

export const STREAM_LIMITS = [...SLOT_SCOPES, 'gateway', 'connects'] as const;

/** What the requests of a minute are limited by. */
export const REQUEST_LIMITS = ['user', 'token', 'address'] as const;
export type RequestLimit = (typeof REQUEST_LIMITS)[number];

/** What became of a request for another service. */
export const PROXY_OUTCOMES = [
  'answered', // the service has answered, whatever its status
  'client_left', // before an answer began
  'refused', // by a limit of the gateway
  'timeout',
  'unavailable',
] as const;
export type ProxyOutcome = (typeof PROXY_OUTCOMES)[number];

/** The final statuses that a notifier gives. It supersedes nothing. */
export type DeliveryEnd = Exclude<DeliveryStatus, 'pending' | 'superseded'>;
const isEnd = (status: DeliveryStatus): status is DeliveryEnd => status !== 'pending' && status !== 'superseded';

export const DELIVERY_ENDS: readonly { channel: Channel; outcome: DeliveryEnd }[] = CHANNELS.flatMap((channel) =>
  DELIVERY_STATUSES.filter(isEnd).map((outcome) => ({ channel, outcome })),
);

export const ATTEMPT_ENDS: readonly { channel: Channel; outcome: AttemptOutcome }[] = CHANNELS.flatMap((channel) =>
  ATTEMPT_OUTCOMES.map((outcome) => ({ channel, outcome })),
);
