/**
 * The closed list of error codes. A code is stable: clients and operators match on it, and its wording is defined
 * elsewhere. The gateway's problem filter maps every code to a status with a `Record` that the compiler checks.
 */
const MESSAGE_ERROR_CODES = [
  // what the parser refuses, in the order of its checks
  'message_too_large',
  'invalid_encoding',
  'invalid_utf8',
  'invalid_json',
  'too_deep',
  'control_characters',
  'foreign_envelope',
  'unknown_field',
  'missing_tenant',
  'missing_service',
  'invalid_field',
  // what the event log refuses
  'id_conflict',
  'store_failed',
] as const;
/** Why a message became a dead letter, or why the HTTP intake refused it. */
export type MessageErrorCode = (typeof MESSAGE_ERROR_CODES)[number];

/**
 * Why a message is a dead letter: because of its own content, because it was delivered too often without being settled,
 * or because its sender may not publish for its tenant.
 */
export type DeadLetterReason = MessageErrorCode | 'delivery_limit' | 'tenant_forbidden';

/** Why a part of a webhook is refused while others of it are published. */
export const REFUSED_PART_REASONS = [...MESSAGE_ERROR_CODES, 'tenant_forbidden'] as const;
export type RefusedPartReason = (typeof REFUSED_PART_REASONS)[number];

export const REQUEST_ERROR_CODES = [
  'missing_credentials',
  'invalid_request',
  'invalid_token',
  'token_expired',
  'token_not_yet_valid',
  'token_revoked',
  'query_token_denied',
  'invalid_ticket',
  'session_ended',
  'sign_in_failed',
  'cross_site_request',
  'refused_by_operator',
  'insufficient_scope',
  'no_tenant',
  'tenant_forbidden',
  'role_forbidden',
  'too_many_tenants',
  'invalid_parameter',
  'invalid_cursor',
  'cursor_expired',
  'empty_batch',
  'batch_too_large',
  'body_too_large',
  'unsupported_media_type',
  'not_acceptable',
  'invalid_signature',
  'not_found',
  'method_not_allowed',
  'already_decided',
  'alert_conflict',
  'delivery_conflict',
  'idempotency_conflict',
  'changed_meanwhile',
  'truncated',
  'too_many_recipients',
  'invalid_recipient',
  'invalid_template',
  'unknown_time_zone',
  'ambiguous_time_zone',
  'time_does_not_exist',
  'time_in_past',
  'time_too_far',
  'publish_failed',
  'queue_full',
  'tenant_service_unavailable',
  'identity_provider_unavailable',
  'operator_check_unavailable',
  'store_unavailable',
  'upstream_unavailable',
  'upstream_timeout',
  'draining',
  'at_capacity',
  'overloaded',
  'too_many_streams',
  'rate_limited',
  'internal_error',
] as const;

/** What is wrong with a credential: all that is answered with 401. */
export const CREDENTIAL_ERROR_CODES = [
  'missing_credentials',
  'invalid_token',
  'token_expired',
  'token_not_yet_valid',
  'token_revoked',
  'query_token_denied',
  'invalid_ticket',
  'session_ended',
] as const satisfies (typeof REQUEST_ERROR_CODES)[number][];
export type CredentialErrorCode = (typeof CREDENTIAL_ERROR_CODES)[number];

export const isCredentialError = (code: ErrorCode): code is CredentialErrorCode =>
  CREDENTIAL_ERROR_CODES.some((one) => one === code);

export const ERROR_CODES = [...MESSAGE_ERROR_CODES, ...REQUEST_ERROR_CODES] as const;
export type ErrorCode = (typeof ERROR_CODES)[number];

/** How many errors one response lists at most. It gives the number of the others. */
export const MAX_ERRORS = 20;
/** The maximum length of a pointer, in characters: a field name of two megabytes is not sent back. */
const MAX_POINTER = 200;

/** Where and how an input is wrong. */
export interface InputError {
  /** JSON pointer into the body. */
  pointer?: string;
  /** Name of a query parameter. */
  parameter?: string;
  code: ErrorCode;
  detail: string;
}

/** What is wrong with an input, as far as an answer says it. */
interface FoundErrors {
  errors: InputError[];
  /** The number of errors beyond those listed. */
  more_errors: number;
}

/** The first errors of several inputs, and the number of the others. */
export function firstErrors(found: Iterable<{ errors: readonly InputError[]; more_errors?: number }>): FoundErrors {
  const errors: InputError[] = [];
  let more = 0;
  for (const one of found) {
    const room = MAX_ERRORS - errors.length;
    errors.push(...one.errors.slice(0, room));
    more += Math.max(0, one.errors.length - room) + (one.more_errors ?? 0);
  }
  return { errors, more_errors: more };
}

/** A field's name in a JSON pointer. A very long name is cut. */
export function pointerPart(name: string): string {
  const cut = name.length > MAX_POINTER ? `${name.slice(0, MAX_POINTER).toWellFormed()}…` : name;
  return cut.replaceAll('~', '~0').replaceAll('/', '~1');
}

/**
 * The role of a dependency, independent of its technology. `log`: the event log and everything stored with it; `bus`,
 * `queue`, `tickets`, `slots`: as their ports say; `directory`: which users may see which tenants; `issuer`: the keys
 * of tokens; `identity_provider`: sign-in and renewal of tokens.
 */
export type DependencyRole =
  'log' | 'bus' | 'queue' | 'directory' | 'tickets' | 'slots' | 'issuer' | 'identity_provider';

/**
 * A dependency is away, too slow or refuses for now. The caller should wait and try the same again; nothing was decided
 * about the input. Adapters translate driver errors into this one and keep the cause.
 */
export class Unavailable extends Error {
  /**
   * The technology of the dependency, if the adapter names it: for a person who reads the error, never for a decision.
   */
  readonly technology: string | undefined;
  /** Since when the dependency is known to be away; undefined when that was found out just now, or is not known. */
  readonly since: Date | undefined;

  constructor(
    readonly role: DependencyRole,
    message: string,
    options?: { technology?: string; cause?: unknown; since?: Date },
  ) {
    super(message, options);
    this.name = 'Unavailable';
    this.technology = options?.technology;
    this.since = options?.since;
  }
}

/**
 * The queue has no room: it holds as many messages as it may, its engine lacks memory or disk, or too many messages of
 * this process wait for it. Nothing of the call was stored. The caller should slow down and send the same later.
 */
export class QueueFull extends Unavailable {
  constructor(technology: string, message = 'The queue is full.', options: { cause?: unknown } = {}) {
    super('queue', message, { technology, ...options });
    this.name = 'QueueFull';
  }
}

/** The input is at fault: trying the same again will be refused again. */
export class Refused extends Error {
  constructor(
    readonly code: ErrorCode,
    message: string,
    /**
     * `more_errors`: the number of errors that are not in `errors`. `retry_after_s`: after how many seconds the same
     * request is not refused for this reason, where that is known.
     */
    readonly details: {
      errors?: readonly InputError[];
      more_errors?: number;
      retry_after_s?: number;
      cause?: unknown;
    } = {},
  ) {
    super(message, { cause: details.cause });
    this.name = 'Refused';
  }
}

/** The store works, but one of these inputs takes longer than it may. The caller should try each input separately. */
export class TooSlow extends Refused {
  constructor(message: string, options: { cause?: unknown } = {}) {
    super('store_failed', message, options);
    this.name = 'TooSlow';
  }
}
