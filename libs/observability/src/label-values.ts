import {
  CLOSE_REASONS,
  GAP_REASONS,
  SLOT_SCOPES,
  type CloseReason,
  type ErrorCode,
  type GapReason,
  type Verdict,
} from '@tocsin/contracts';

// All values of the labels of the counters. A series whose value is missing here starts at 1, so an alert rule does not
// see its first increase.

/** The error codes with which a request for a stream can be refused. */
const STREAM_REFUSALS = [
  'missing_credentials',
  'invalid_request',
  'invalid_token',
  'token_expired',
  'token_not_yet_valid',
  'token_revoked',
  'query_token_denied',
  'invalid_ticket',
  'insufficient_scope',
  'no_tenant',
  'tenant_forbidden',
  'too_many_tenants',
  'invalid_parameter',
  'body_too_large',
  'unsupported_media_type',
  'not_acceptable',
  'not_found',
  'method_not_allowed',
  'tenant_service_unavailable',
  'store_unavailable',
  'draining',
  'at_capacity',
  'overloaded',
  'too_many_streams',
  'rate_limited',
  'internal_error',
] as const satisfies ErrorCode[];

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
