import type { ErrorCode } from '@tocsin/contracts';

/**
 * What each code means for the client that receives it, and what to do. The compiler reports a missing code;
 * docs/errors.md is generated from this list.
 */
export const ADVICE: Readonly<Record<ErrorCode, string>> = {
  message_too_large:
    'One message is longer than the limit (64 KiB as it is published, less over HTTP where MAX_EVENT_BYTES says ' +
    'so). Send less of it, or a link.',
  invalid_encoding:
    'The AMQP property `content_encoding` names a compression that the bytes do not have. Set it to the ' +
    'compression that was used, or leave it out.',
  invalid_utf8: 'The bytes are not UTF-8. Encode the body as UTF-8.',
  invalid_json: 'The body is not valid JSON, or it is not an object although one is needed.',
  too_deep: 'A field is nested more than 16 levels deep. Flatten it.',
  control_characters: 'Text holds control characters or half a surrogate pair, which cannot be stored. Remove them.',
  foreign_envelope:
    'The message is in the envelope of another system; `detail` names the system. Publish the content of the ' +
    'envelope, or a CloudEvent.',
  unknown_field: 'An unknown field: `errors` points to it and names the nearest one.',
  missing_tenant: 'The message names no tenant. Set `tenant_id`.',
  missing_service: 'The message names no service. Set `service`.',
  invalid_field: 'A field breaks its rule: `errors` points to it and says which.',
  id_conflict: 'Another message was stored under the same tenant, service and id. Give the new one an id of its own.',
  store_failed: 'The store cannot keep this message, although it can store others. It is on record as a dead letter.',
  missing_credentials: 'Send a token: `Authorization: Bearer …`. Streams take a ticket or a cookie too.',
  invalid_request: 'The request cannot be read: it has two credentials at once, or a malformed header or address.',
  invalid_token: 'The token does not verify. Get a new one.',
  token_expired: 'The token has expired. Get a new one.',
  token_not_yet_valid: "The token is not valid yet. Check both machines' clocks.",
  token_revoked: 'The token was revoked. Sign in again.',
  query_token_denied:
    'This gateway takes no token in an address (`STREAM_QUERY_TOKEN=deny`). Use a ticket or the header.',
  invalid_ticket:
    'The ticket was used already, is older than 30 s or is not a ticket. Ask for a new one with `POST ' +
    '/api/events/ticket`.',
  session_ended: 'The cookie names no session, or one that has ended. Sign in again at `/api/v1/session/sign-in`.',
  sign_in_failed:
    'The OpenID provider refused the sign-in, its answer belongs to another one, or the gateway does not accept its ' +
    'access token; `detail` says which. Begin again at `/api/v1/session/sign-in`.',
  cross_site_request:
    "A request that changes something came with the cookie of a session and without the page's own `Origin`. Send it " +
    'from the page, or send a token in the header.',
  refused_by_operator: 'A rule of who operates this gateway refuses the request; `detail` may say why.',
  insufficient_scope: 'The token lacks the scope that the operation needs; `detail` names it.',
  no_tenant: 'The user belongs to no tenant. An administrator of the tenant service can change that.',
  tenant_forbidden: 'The tenant does not exist, or is not a tenant of the user or token.',
  role_forbidden: 'The role of the user in this tenant is `viewer`, which allows only reading.',
  too_many_tenants: 'A stream or a list covers at most 32 tenants. Name some with `?tenant=`.',
  invalid_parameter: 'A parameter is unknown or invalid: `errors` names it and says what is expected.',
  invalid_cursor:
    'The text is not a cursor, or it belongs to another list, order or filter, or its history was replaced. Begin ' +
    'without one.',
  cursor_expired:
    'Entries behind the cursor are deleted (`RETENTION_DAYS`). Begin without one, and load the present state.',
  empty_batch: 'The list is empty.',
  batch_too_large: 'The list is longer than one call takes. Send it in parts.',
  body_too_large: 'The whole body is longer than this operation reads.',
  unsupported_media_type: 'Send `Content-Type: application/json`.',
  not_acceptable: 'Streams answer with `text/event-stream`: accept it.',
  invalid_signature:
    'A provider signs its calls. This call is unsigned, or signed with another key or for another ' +
    'address. Compare `PUBLIC_URL` and the credentials with the settings of the provider.',
  not_found: 'There is nothing here, or nothing that this user may see: the two look the same.',
  method_not_allowed: 'The address accepts other methods: `Allow` names them.',
  already_decided: 'Another decision was made on this dead letter. Read it again.',
  alert_conflict:
    'Another user, or the producer, acted first: `detail` says who and when, `alert` is the alert as it is now. ' +
    'Decide again.',
  delivery_conflict:
    'The delivery was sent or cancelled, an attempt is under way, or it may have been sent already: ' +
    '`detail` says which. To redrive a delivery that may have been sent, send `"may_repeat": true`.',
  idempotency_conflict: 'This `Idempotency-Key` was used with another body. Use a new key for a new request.',
  changed_meanwhile: 'The `ETag` of `If-Match` is not the present one. Read again, and decide again.',
  truncated:
    'Only the beginning of the message was kept, so it cannot be redriven. Let its producer send it ' +
    'again, or discard it.',
  too_many_recipients: 'A notification has at most 100 recipients. Ask for several notifications.',
  invalid_recipient: 'An address fits none of the channels: `errors` points to it and says what is expected.',
  invalid_template:
    'A template cannot be parsed, names what there is not, or does not make JSON of every sample: `detail` says in which line.',
  unknown_time_zone: 'The time zone is not in the IANA database. Use a name such as `Europe/Berlin`.',
  ambiguous_time_zone:
    'An abbreviation such as CET or EST: programs differ about what it means. Name a place, such as ' +
    '`Europe/Berlin`, or UTC.',
  time_does_not_exist: 'The clocks skip this time when they are set forward. Choose another one; `detail` names one.',
  time_in_past: 'The time is over by more than a minute. Leave it out to send now.',
  time_too_far: 'The time is more than two years ahead. Ask for it later.',
  publish_failed:
    'The queue is away, or did not confirm all messages; `confirmed` lists the confirmed ones. Send all of them ' +
    'again, with the same ids.',
  queue_full:
    'The queue has no room, whatever its engine: it holds as many messages as it may, or the engine lacks memory or ' +
    'disk. Nothing of the request was stored. Send it again after `Retry-After` seconds, and more slowly.',
  tenant_service_unavailable: 'The tenant service does not answer. Try again after `Retry-After` seconds.',
  identity_provider_unavailable:
    'The OpenID provider cannot be reached, so no user can sign in and no token can be renewed. Sessions are kept: wait ' +
    'as `Retry-After` says.',
  operator_check_unavailable:
    'The function with which the operator checks requests failed, or took too long. Try again after `Retry-After` ' +
    'seconds.',
  upstream_unavailable: 'A service of `PROXY_ROUTES` could not be reached, or broke off. It may have acted.',
  upstream_timeout: 'A service of `PROXY_ROUTES` was silent for 60 s. It may have acted.',
  store_unavailable: 'A store does not answer. Try again after `Retry-After` seconds.',
  draining: 'This gateway is about to stop. Connect again: another one answers.',
  at_capacity: 'This gateway holds as many streams as it may. Connect again after `Retry-After` seconds.',
  overloaded:
    'This gateway holds as many bytes of request bodies as it may (`BODIES_BYTES`). Send it again after ' +
    '`Retry-After` seconds.',
  too_many_streams: 'The user, tenant or address has as many streams open as it may. Close some; share one among tabs.',
  rate_limited: 'Too many attempts in a short time. Wait for `Retry-After` seconds.',
  internal_error: 'A fault of Tocsin. Its log lines have the id in `instance`.',
};
