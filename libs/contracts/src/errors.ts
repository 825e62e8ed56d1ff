/**
 * The closed list of error codes. A code is stable: clients and operators match on it, and its wording lives elsewhere.
 * The gateway's problem filter maps every code to a status with a `Record` that the compiler checks.
 */
const MESSAGE_ERROR_CODES = [
  // what the parser refuses, in the order in which it looks
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
  // what the log refuses
  'id_conflict',
  'store_failed',
] as const;
/** Why a message became a dead letter, or why the HTTP door refused it. */
export type MessageErrorCode = (typeof MESSAGE_ERROR_CODES)[number];

/**
 * Why a message is dead: for its own fault, because it was delivered too often without ever being settled, or because it is of
 * a tenant that its sender may not publish for.
 */
export type DeadLetterReason = MessageErrorCode | 'delivery_limit' | 'tenant_forbidden';

const REQUEST_ERROR_CODES = [
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
  'not_found',
  'method_not_allowed',
  'already_decided',
  'alert_conflict',
  'truncated',
  'publish_failed',
  'tenant_service_unavailable',
  'store_unavailable',
  'draining',
  'at_capacity',
  'overloaded',
  'too_many_streams',
  'rate_limited',
  'internal_error',
] as const;

export const ERROR_CODES = [...MESSAGE_ERROR_CODES, ...REQUEST_ERROR_CODES] as const;
export type ErrorCode = (typeof ERROR_CODES)[number];

/** The most errors that one answer lists. Of the others it says how many there are. */
export const MAX_ERRORS = 20;
/** The most characters of a pointer: a name of two megabytes is not sent back. */
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
  /** Errors beyond those listed. */
  more_errors: number;
}

/** The first of the errors of several inputs, and how many there are beyond. */
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

/** A field's name in a JSON pointer; a very long one is cut. */
export function pointerPart(name: string): string {
  const cut = name.length > MAX_POINTER ? `${name.slice(0, MAX_POINTER).toWellFormed()}…` : name;
  return cut.replaceAll('~', '~0').replaceAll('/', '~1');
}

/**
 * What a dependency is to the apps, whatever technology stands behind it. `log`: the record and all that is kept beside it;
 * `bus`, `queue`, `tickets`, `slots`: as their ports say; `directory`: who may see which tenant; `issuer`: the keys of tokens.
 */
export type DependencyRole = 'log' | 'bus' | 'queue' | 'directory' | 'tickets' | 'slots' | 'issuer';

/**
 * The world's fault: a dependency is away, slow or refuses for now. Waiting and trying the same again is right, and
 * nothing was decided about the input. Adapters translate driver errors into this one; the cause is kept.
 */
export class Unavailable extends Error {
  /** What stands behind the role, where an adapter says so: for whoever reads an error, and for no decision. */
  readonly technology: string | undefined;
  /** Since when it is known to be away; undefined when that was found out just now, or is not known. */
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

/** This input's fault: trying the same again will be refused again. */
export class Refused extends Error {
  constructor(
    readonly code: ErrorCode,
    message: string,
    /** `more_errors`: how many there are beside `errors`. */
    readonly details: { errors?: readonly InputError[]; more_errors?: number; cause?: unknown } = {},
  ) {
    super(message, { cause: details.cause });
    this.name = 'Refused';
  }
}

/** One of these inputs takes the store longer than it may, although the store is well: each is to be tried apart. */
export class TooSlow extends Refused {
  constructor(message: string, options: { cause?: unknown } = {}) {
    super('store_failed', message, options);
    this.name = 'TooSlow';
  }
}
