import { randomUUID } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import {
  CLOSE_REASONS,
  firstErrors,
  isCredentialError,
  QueueFull,
  Refused,
  Unavailable,
  type CloseReason,
  type ErrorCode,
  type InputError,
  type Problem,
} from '@tocsin/contracts';
import type { Log, Metrics } from '@tocsin/observability';
import { parseCursor } from '../positions/cursor';
import { closeFrame, normalRetryMs } from '../frames/control-frame';
import { ANSWER_FIELDS } from '../http/http-rules';
import type { Answer } from '../http/response-head';
import { isForStream } from '../http/stream-path';
import { AlertConflict } from './alert-conflict';
import { PublishFailed } from './publish-failed';

/** Every code with its status and its title. The compiler reports a missing code. */
export const ANSWERS: Record<ErrorCode, [status: number, title: string]> = {
  message_too_large: [413, 'The message is too large'],
  invalid_encoding: [400, 'The body is not compressed as it says'],
  invalid_utf8: [400, 'The body is not UTF-8'],
  invalid_json: [400, 'The body is not JSON'],
  too_deep: [400, 'The body is nested too deeply'],
  control_characters: [422, 'Text holds control characters'],
  foreign_envelope: [422, 'The message is in an envelope of another system'],
  unknown_field: [422, 'A field is unknown'],
  missing_tenant: [422, 'The tenant is missing'],
  missing_service: [422, 'The service is missing'],
  invalid_field: [422, 'A field is not valid'],
  id_conflict: [409, 'The id belongs to another message'],
  store_failed: [422, 'The message cannot be stored'],
  missing_credentials: [401, 'A credential is needed'],
  invalid_request: [400, 'The request is not valid'],
  invalid_token: [401, 'The token is not valid'],
  token_expired: [401, 'The token has expired'],
  token_not_yet_valid: [401, 'The token is not valid yet'],
  token_revoked: [401, 'The token was revoked'],
  query_token_denied: [401, 'Tokens are not accepted in the address'],
  invalid_ticket: [401, 'The ticket is not valid'],
  session_ended: [401, 'The session has ended'],
  sign_in_failed: [403, 'The sign-in failed'],
  cross_site_request: [403, 'The request comes from another site'],
  refused_by_operator: [403, 'The operator does not allow this'],
  insufficient_scope: [403, 'The token does not allow this'],
  no_tenant: [403, 'No tenant'],
  tenant_forbidden: [403, 'Not a tenant of this user'],
  role_forbidden: [403, 'The role does not allow this'],
  too_many_tenants: [400, 'Too many tenants'],
  invalid_parameter: [400, 'A parameter is not valid'],
  invalid_cursor: [400, 'The cursor is not valid'],
  cursor_expired: [410, 'The log no longer reaches back to the cursor'],
  empty_batch: [422, 'The list is empty'],
  batch_too_large: [413, 'The list is too long'],
  body_too_large: [413, 'The body is too large'],
  unsupported_media_type: [415, 'The content type is not supported'],
  not_acceptable: [406, 'No acceptable content type'],
  invalid_signature: [403, 'The signature is not valid'],
  not_found: [404, 'Not found'],
  method_not_allowed: [405, 'The method is not allowed'],
  already_decided: [409, 'It was decided otherwise'],
  alert_conflict: [409, 'The alert is another one by now'],
  delivery_conflict: [409, 'The status of the delivery does not allow it'],
  idempotency_conflict: [409, 'The key stands for something else'],
  changed_meanwhile: [412, 'It was changed meanwhile'],
  truncated: [409, 'Not all of the message is kept'],
  too_many_recipients: [422, 'Too many recipients'],
  invalid_recipient: [422, 'A recipient is not valid'],
  invalid_template: [422, 'The template has a fault'],
  unknown_time_zone: [422, 'The time zone is unknown'],
  ambiguous_time_zone: [422, 'The time zone is ambiguous'],
  time_does_not_exist: [422, 'The local time does not exist'],
  time_in_past: [422, 'The time is over'],
  time_too_far: [422, 'The time is too far ahead'],
  publish_failed: [503, 'Not every message was confirmed'],
  queue_full: [503, 'The queue is full'],
  tenant_service_unavailable: [503, 'The tenant service is away'],
  identity_provider_unavailable: [503, 'The OpenID provider is away'],
  operator_check_unavailable: [503, 'The request could not be checked'],
  store_unavailable: [503, 'The store is away'],
  upstream_unavailable: [502, 'The service is away'],
  upstream_timeout: [504, 'The service took too long'],
  draining: [503, 'The gateway is about to stop'],
  at_capacity: [503, 'The gateway is full'],
  overloaded: [503, 'Too many bodies at once'],
  too_many_streams: [429, 'Too many streams are open'],
  rate_limited: [429, 'Too many attempts'],
  internal_error: [500, 'Something went wrong'],
};

const UNAVAILABLE: Record<Unavailable['role'], ErrorCode> = {
  log: 'store_unavailable',
  bus: 'store_unavailable',
  tickets: 'store_unavailable',
  slots: 'store_unavailable',
  queue: 'publish_failed',
  directory: 'tenant_service_unavailable',
  issuer: 'store_unavailable',
  identity_provider: 'identity_provider_unavailable',
};

/**
 * Codes that apply to this gateway only, while another may accept the client. The connection ends, so that the client
 * can reach another gateway.
 */
const GO_ELSEWHERE: ReadonlySet<ErrorCode> = new Set<ErrorCode>(['draining', 'at_capacity', 'overloaded']);

/** The parts of a request on which the error response depends. */
interface FailedRequest {
  method: string;
  /** The path, without the query. */
  path: string;
  headers: IncomingHttpHeaders;
}

/**
 * The only place that turns a failure into a response: problem+json with a stable code, and no internals. For an
 * EventSource, a failure that is worth a retry becomes a stream that says so: any status but 200 would end it for good.
 * Refusals are counted and faults are logged here, so each failure must be answered only once.
 */
export class ProblemAnswers {
  constructor(
    private readonly metrics: Metrics,
    private readonly log: Log,
  ) {}

  answerTo(error: unknown, { method, path, headers }: FailedRequest): Answer {
    const code = codeOf(error);
    const [status, title] = ANSWERS[code];
    const isStream = isForStream(method, path);
    if (isCredentialError(code)) this.metrics.authFailures.inc({ reason: code });
    const requestId = randomUUID();
    // Refusals are counted; faults are logged.
    if (status >= 500 && !GO_ELSEWHERE.has(code))
      this.log[code === 'internal_error' ? 'error' : 'warn'](
        { err: error, request_id: requestId, code },
        'a request failed',
      );
    if (isStream) this.metrics.sseConnectionsOpened.inc({ outcome: 'refused', reason: code });

    const fields: [string, string][] = ANSWER_FIELDS.map(([name, value]) => [name, value]);
    // A stream's connection is never reused, so a refused stream's is not either.
    if (isStream || GO_ELSEWHERE.has(code)) fields.push(['Connection', 'close']);
    if (status === 503 || status === 429) {
      const known = error instanceof Refused ? error.details.retry_after_s : undefined;
      fields.push(['Retry-After', String(known ?? 1 + Math.floor(Math.random() * 8))], ['Tocsin-Refused', code]);
      if (isStream && /text\/event-stream/i.test(headers.accept ?? '') && isCloseReason(code)) {
        return withBody(200, fields, 'text/event-stream', refusalInStream(code, headers['last-event-id']));
      }
    }
    const challenge = challengeOf(code, status);
    if (challenge) fields.push(['WWW-Authenticate', challenge]);
    const problem: Problem = {
      type: 'about:blank',
      title,
      status,
      code,
      instance: `urn:uuid:${requestId}`,
      ...(error instanceof Refused && { detail: error.message }),
      ...(error instanceof Refused && error.details.errors && listed(error.details.errors, error.details.more_errors)),
      ...(error instanceof AlertConflict && { alert: error.alert }),
      ...(error instanceof PublishFailed && { confirmed: [...error.confirmed] }),
    };
    return withBody(status, fields, 'application/problem+json', JSON.stringify(problem));
  }
}

/** The first errors, and the number of the others if there are any. */
function listed(errors: readonly InputError[], more: number | undefined): Pick<Problem, 'errors' | 'more_errors'> {
  const first = firstErrors([{ errors, more_errors: more }]);
  return first.more_errors > 0 ? first : { errors: first.errors };
}

const withBody = (status: number, fields: readonly [string, string][], type: string, body: string): Answer => ({
  status,
  fields: [...fields, ['Content-Type', `${type}; charset=utf-8`], ['Content-Length', String(Buffer.byteLength(body))]],
  body,
});

/** A refusal as a stream: when to reconnect, why, and the cursor that the client sent. */
function refusalInStream(reason: CloseReason, cursor: unknown): string {
  const id = typeof cursor === 'string' && parseCursor(cursor).kind === 'positions' ? cursor : undefined;
  return closeFrame(reason, normalRetryMs(), id).toString();
}

const isCloseReason = (code: ErrorCode): code is CloseReason & ErrorCode => Object.hasOwn(CLOSE_REASONS, code);

/** The code with which a failure is answered. */
export function codeOf(error: unknown): ErrorCode {
  if (error instanceof Refused) return error.code;
  if (error instanceof QueueFull) return 'queue_full';
  if (error instanceof Unavailable) return UNAVAILABLE[error.role];
  // Errors of the body parser and the router carry a status and nothing else that a client should see.
  const status = Number((error as { status?: unknown } | null)?.status);
  if (status === 404) return 'not_found';
  if (status === 413) return 'body_too_large';
  if (status === 415) return 'unsupported_media_type';
  return status >= 400 && status < 500 ? 'invalid_request' : 'internal_error';
}

/** The challenge of RFC 6750, section 3: it names the fault of the credential, if there was one. */
function challengeOf(code: ErrorCode, status: number): string | undefined {
  if (code === 'missing_credentials') return 'Bearer realm="tocsin"';
  if (status === 401) return 'Bearer realm="tocsin", error="invalid_token"';
  if (code === 'insufficient_scope') return 'Bearer realm="tocsin", error="insufficient_scope"';
  return undefined;
}
