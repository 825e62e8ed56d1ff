import {
  MAX_ERRORS,
  MESSAGE_FIELDS,
  pointerPart,
  SEVERITIES,
  tenantIdOf,
  type InputError,
  type MessageErrorCode,
} from '@tocsin/contracts';
import { ASSUMED_FIELDS, type AlertMessage } from './alert-message';
import { bodyHashOf, inOrder } from './body-hash';
import { decodeBody } from './decode-body';
import { readInstant } from './instant';
import { asDeepAsMayBe } from './json-text';
import { noFields, type MessageField, type MessageFields } from './message-fields';
import { idFor } from './message-id';
import { didYouMean } from './nearest-name';
import type { Envelope, Judgement, ParsedMessage } from './parsed-message';
import { publishedForm, shortenToFit } from './published-form';
import { dropEmpty, relax } from './relax-fields';
import { readRoutingKey } from './routing-key';
import { withoutHops } from './trace-context';
import { UNDERSTOOD_FIELDS, understand } from './understood-names';
import { contradictions, validate } from './validate-message';

/** The maximum size of one message: 64 KiB, well below the limits of RabbitMQ, Redis and browsers. */
export const MAX_MESSAGE_BYTES = 65_536;

/**
 * The only parser of alert messages, for AMQP and HTTP. It checks size, UTF-8, JSON, depth, control characters, unknown
 * fields and fields, in that order, with one stable code for each. Never throws.
 */
export function parseAlertMessage(
  bytes: Uint8Array,
  envelope: Envelope = {},
  judgement: Judgement = 'lenient',
): ParsedMessage {
  const decoded = decodeBody(bytes, MAX_MESSAGE_BYTES);
  if (!decoded.ok) return refuse(decoded.code, [{ code: decoded.code, detail: decoded.detail }]);
  return readMessage(decoded.value, envelope, judgement, bytes);
}

/**
 * The same for one value of a decoded batch. The id is derived from `bytes` when the message and its transport have
 * none.
 */
export function readMessage(
  value: unknown,
  envelope: Envelope,
  judgement: Judgement,
  bytes: Uint8Array,
): ParsedMessage {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return refuse('invalid_json', [{ code: 'invalid_json', detail: 'The message must be a JSON object.' }]);
  }
  const { fields, unknown, origins, leftovers } = understand(value as Record<string, unknown>);
  const pointerTo = (name: string) => `/${pointerPart(origins.get(name) ?? name)}`;

  if (judgement === 'strict' && unknown.size > 0) {
    const listed = [...unknown.keys()].slice(0, MAX_ERRORS);
    const errors = listed.map((name) => ({
      pointer: pointerTo(name),
      code: 'unknown_field' as const,
      detail: `Unknown field.${didYouMean(name, KNOWN_NAMES)}`,
    }));
    return refuse('unknown_field', errors, fields.tenant_id, unknown.size - listed.length);
  }
  dropEmpty(fields, judgement);
  if (judgement === 'lenient') relax(fields);
  const saysType = fields.type !== undefined;
  const kept = new Map<string, unknown>([...leftovers, ...unknown]);
  addRoutingKey(fields, envelope.routing_key, kept);
  let saysSeverity = fields.severity !== undefined;
  fields.tenant_id ??= envelope.tenant_id;
  fields.service ??= envelope.service;
  fields.severity ??= envelope.severity;

  // checked before everything that costs more: a batch may hold thousands of these
  if (fields.tenant_id === undefined) return refuse('missing_tenant', [missing('/tenant_id', 'missing_tenant')]);
  if (fields.service === undefined)
    return refuse('missing_service', [missing('/service', 'missing_service')], fields.tenant_id);
  let { message, errors } = validate(fields, pointerTo);
  if (judgement === 'lenient' && errors.length > 0) {
    for (const { name } of errors.filter((error) => !error.limit && !REQUIRED.has(error.name)))
      kept.set(name, take(fields, name));
    saysSeverity &&= fields.severity !== undefined;
    fields.severity ??= readRoutingKey(envelope.routing_key)?.severity ?? 'high';
    ({ message, errors } = validate(fields, pointerTo));
  }
  const { id, occurred_at } = fields;
  if (judgement === 'strict') errors.push(...contradictions(fields));
  if (errors.length > 0) {
    return refuse(
      'invalid_field',
      errors.map(({ pointer, detail }) => ({ pointer, code: 'invalid_field', detail })),
      fields.tenant_id,
    );
  }

  message.id =
    typeof id === 'string' ? id : idFor(bytes, envelope, occurred_at !== undefined && fields.snapshot !== true);
  // before the message is measured: a key that came later would be neither counted nor published
  if (envelope.key_is_id) message.dedup_key ??= message.id;
  // the transport's time may come from the clock of a broker or of an intake: it is shown, but never used for ordering
  const sentAt =
    occurred_at !== undefined || fields.dedup_key === undefined ? undefined : readInstant(envelope.timestamp);
  if (sentAt !== undefined) message.occurred_at = sentAt;
  else if (typeof occurred_at === 'string') message.occurred_at = occurred_at;
  const assumed: MessageField[] = ASSUMED_FIELDS.filter(
    (name) =>
      fields[name] === undefined && !(name === 'metadata' && [...kept.values()].some((left) => left !== undefined)),
  );
  if (!saysType && fields.type === 'alert') assumed.push('type');
  if (!saysSeverity) assumed.push('severity');
  if (sentAt !== undefined) assumed.push('occurred_at');
  if (assumed.length > 0) message.assumed = assumed;
  for (const [name, left] of kept) define(message.metadata, freeName(message.metadata, name), asDeepAsMayBe(left));
  const tooLarge =
    envelope.publishes_at_most !== undefined && sizeError(message, envelope.publishes_at_most, judgement);
  if (tooLarge) return refuse('message_too_large', [tooLarge], fields.tenant_id);
  return {
    ok: true,
    message,
    body_hash: bodyHashOf(saidBy(message, id, occurred_at)),
    understood: [...origins.values()],
    unknown: [...kept.keys()],
  };
}

// ---- in the order used above --------------------------------------------------------------------------------------

const KNOWN_NAMES = [...MESSAGE_FIELDS, ...Object.keys(UNDERSTOOD_FIELDS)];
const REQUIRED = new Set(['tenant_id', 'service']);

const refuse = (code: MessageErrorCode, errors: InputError[], tenant?: unknown, more = 0): ParsedMessage => ({
  ok: false,
  code,
  errors,
  ...(more > 0 && { more_errors: more }),
  tenant_id: tenantIdOf(tenant),
});
const missing = (pointer: string, code: 'missing_tenant' | 'missing_service'): InputError => ({
  pointer,
  code,
  detail: 'This field is required.',
});

/**
 * The routing key's service takes precedence, since the broker can authorise it. Of two severities the higher one
 * counts, since an alert that is too quiet is the worse mistake.
 */
function addRoutingKey(fields: MessageFields, routingKey: string | undefined, kept: Map<string, unknown>): void {
  const key = readRoutingKey(routingKey);
  if (!key) return;
  if (fields.service !== undefined && fields.service !== key.service) kept.set('service', fields.service);
  fields.service = key.service;
  fields.type ??= key.type;
  const said = SEVERITIES.findIndex((severity) => severity === fields.severity);
  if (fields.severity === undefined || said > SEVERITIES.indexOf(key.severity)) fields.severity = key.severity;
}

/**
 * The fields that distinguish one message from another, with the defaults filled in, since another intake may write
 * them out.
 */
function saidBy(message: AlertMessage, id: unknown, occurred_at: unknown): MessageFields {
  const said = noFields();
  for (const name of MESSAGE_FIELDS) said[name] = message[name];
  return Object.assign(said, {
    id,
    occurred_at,
    labels: inOrder(message.labels),
    metadata: inOrder(withoutHops(message.metadata)),
  });
}

/**
 * Checks the size of the published form. A webhook's message is shortened first: its sender would only send the same
 * again.
 */
function sizeError(message: AlertMessage, most: number, judgement: Judgement): InputError | undefined {
  const { length } = publishedForm(message);
  if (length <= most || (judgement === 'lenient' && shortenToFit(message, most))) return undefined;
  return {
    code: 'message_too_large',
    detail: `The message has ${length} bytes as it is published; at most ${most} are accepted.`,
  };
}

function take(fields: MessageFields, name: MessageField): unknown {
  const value = fields[name];
  fields[name] = undefined;
  return value;
}

/** A free name beside an existing field of that name: `body.name`. */
function freeName(target: object, name: string): string {
  let free = name;
  while (Object.hasOwn(target, free)) free = `body.${free}`;
  return free;
}

/** Defines a property, because an assignment to `__proto__` would set the prototype. */
const define = (target: object, name: string, value: unknown) =>
  Object.defineProperty(target, name, { value, enumerable: true, configurable: true, writable: true });
