import 'reflect-metadata';
import { Type } from 'class-transformer';
import {
  ArrayMaxSize,
  Equals,
  IsArray,
  IsBoolean,
  IsIn,
  IsObject,
  IsOptional,
  IsString,
  IsUrl,
  Matches,
  MinLength,
  Validate,
  ValidateNested,
  validateSync,
  type ValidationError,
} from 'class-validator';
import { v7 as uuidv7 } from 'uuid';
import {
  MAX_ERRORS,
  pointerPart,
  type InputError,
  type MessageErrorCode,
  TENANT_ID_PATTERN,
  tenantIdOf,
  type TenantId,
  type ValidMessage,
  ALERT_TYPES,
  CHANNELS,
  MESSAGE_FIELDS,
  MESSAGE_STATUSES,
  SEVERITIES,
  type AlertAction,
  type AlertMessageBody,
  type AlertType,
  type Channel,
  type MessageStatus,
  type Severity,
} from '@tocsin/contracts';
import { bodyHashOf, digest, inOrder } from './body-hash';
import { decodeBody, fitsInMetadata } from './decode-body';
import { IsLabelMap, IsReadInstant, LabelLimit, MaxCharacters } from './field-rules';
import { readInstant } from './instant';
import { noFields, type MessageField, type MessageFields } from './message-fields';
import { readRoutingKey } from './routing-key';
import { asSaid, publishedForm, shortenToFit } from './published-form';
import { surelyValid } from './surely-valid';
import { didYouMean } from './nearest-name';
import { withoutHops } from './trace-context';
import { UNDERSTOOD_FIELDS, understand } from './understood-names';

/** The maximum size of one message: 64 KiB, well below the limits of RabbitMQ, Redis and browsers. */
export const MAX_MESSAGE_BYTES = 65_536;

const SLUG = /^[A-Za-z0-9][A-Za-z0-9._:/-]*$/;
const PRINTABLE_ASCII = /^[\x21-\x7e]([\x20-\x7e]*[\x21-\x7e])?$/;
/** Rejects text that consists of blanks only. */
const ONE_LINE = /^(?=[^]*\S)[^\r\n\t]*$/;

const MAX_ACTIONS = 10;
const MAX_RECIPIENTS = 100;

/**
 * The constraints that are limits. A message that exceeds one is always refused: a part that is cut off may be what
 * mattered.
 */
const LIMITS = ['maxLength', 'arrayMaxSize', 'labelLimit'];

export class MessageAction implements AlertAction {
  @MinLength(1) @MaxCharacters(100) label!: string;
  @IsOptional()
  @IsUrl({ protocols: ['http', 'https'], require_protocol: true, require_tld: false })
  @MaxCharacters(2000)
  url?: string;
  @IsOptional() @IsString() @MaxCharacters(100) name?: string;
}

/**
 * An alert message as the rest of Tocsin knows it: canonical names, within all limits, defaults filled in. This class
 * is the only declaration of the message; every other description is derived from it.
 */
export class AlertMessage implements ValidMessage {
  /** The tenant of the alert. */
  @Matches(TENANT_ID_PATTERN) tenant_id!: TenantId;
  /**
   * The service that sends the alert. The routing key's takes precedence over the body's, because the broker can
   * authorise it.
   */
  @Matches(/^[A-Za-z0-9._-]+$/) @MaxCharacters(64) service!: string;
  /** The higher one of the body's and the routing key's severity. */
  @IsIn(SEVERITIES) severity!: Severity;
  /**
   * The producer's id. With `tenant_id` and `service` it is the idempotency key. It is made on arrival when the message
   * gives none.
   */
  @Matches(PRINTABLE_ASCII) @MaxCharacters(200) id!: string;
  /** Default: the routing key's, else `alert`. */
  @IsIn(ALERT_TYPES) type!: AlertType;
  /** What happened, as a slug: `low_stock`. */
  @IsOptional() @Matches(SLUG) @MaxCharacters(100) name?: string;
  /** Default: the name in words, else the message's first line, else the service. */
  @MinLength(1) @MaxCharacters(300) @Matches(ONE_LINE) title!: string;
  @IsOptional() @IsString() @MaxCharacters(8000) message?: string;
  /**
   * Identifies the alert that this message belongs to, within tenant and service. Without it the message is an alert of
   * its own.
   */
  @IsOptional() @MinLength(1) @MaxCharacters(200) @Matches(ONE_LINE) dedup_key?: string;
  /** Default `firing`. `resolved` needs a `dedup_key`. */
  @IsIn(MESSAGE_STATUSES) status!: MessageStatus;
  /**
   * The message describes the present state, not a change at a certain time: it is compared with the alert as it is,
   * and no clocks are compared. Default false.
   */
  @IsOptional() @IsBoolean() snapshot?: boolean;
  /**
   * The producer's clock: ISO 8601 in UTC with milliseconds. Required with a `dedup_key`, unless it is a `snapshot`.
   */
  @IsOptional() @IsReadInstant() occurred_at?: string;
  /** The labels that filters, rules and grouping match on. Default none. */
  @Validate(IsLabelMap) @Validate(LabelLimit) labels!: Record<string, string>;
  @IsArray()
  @ArrayMaxSize(MAX_ACTIONS)
  @ValidateNested({ each: true })
  @Type(() => MessageAction)
  actions!: AlertAction[];
  /**
   * The recipients, in place of those that the tenant has configured: e-mail addresses, phone numbers (E.164), http(s)
   * addresses.
   */
  @IsOptional()
  @IsArray()
  @ArrayMaxSize(MAX_RECIPIENTS)
  @IsString({ each: true })
  @MaxCharacters(320, { each: true })
  recipients?: string[];
  /** The channels, in place of those that the severity selects. */
  @IsOptional() @IsArray() @IsIn(CHANNELS, { each: true }) channels?: Channel[];
  /** Further data of the producer, at most 16 levels deep. */
  @IsObject() metadata!: Record<string, unknown>;
  @Equals(1) schema_version!: 1;
  /**
   * The fields that the message left out and that got a default. A field that was left out changes nothing of an alert.
   * If `occurred_at` is among them, it is the transport's time and is not compared with other times. Absent: no field
   * got a default.
   */
  assumed?: readonly MessageField[];

  /**
   * The message as it is sent on, without the defaults: a default that is written out would look like the producer's
   * word.
   */
  toJSON(): AlertMessageBody {
    return asSaid(this);
  }
}

/** What the transport says about a message beside its body. Every field is optional and none is trusted. */
export interface Envelope {
  routing_key?: string;
  message_id?: string;
  /** Epoch seconds. */
  timestamp?: number;
  headers?: Readonly<Record<string, unknown>>;
  content_type?: string;
  /** The encoding of a compressed body. */
  content_encoding?: string;
  /**
   * Applies where the message has no tenant: a webhook's sender often cannot choose its fields, but can choose its
   * address.
   */
  tenant_id?: string;
  service?: string;
  severity?: Severity;
  /**
   * The maximum size of the published message, in bytes, for an intake that publishes it. A longer message is refused
   * there.
   */
  publishes_at_most?: number;
  /** The severity of an alert whose sender says that it has none (the label `severity: none`). Default `low`. */
  severity_none?: Severity;
}

/**
 * How to validate: `strict` where the sender reads the response (HTTP), `lenient` where a refusal would only mean that
 * no alert is shown (AMQP).
 */
export type Judgement = 'strict' | 'lenient';

export type ParsedMessage =
  | {
      ok: true;
      message: AlertMessage;
      /** Distinguishes a repetition of the same message from another message with the same id. */
      body_hash: string;
      /**
       * The producer's names that were renamed, and the unknown fields that were kept under `metadata`. For metrics.
       */
      understood: string[];
      unknown: string[];
    }
  | {
      ok: false;
      code: MessageErrorCode;
      errors: InputError[];
      /** The number of further errors. */
      more_errors?: number;
      tenant_id: TenantId | null;
      /** The refused part of a group alone, in a form that can be parsed again; undefined when it is the whole body. */
      bytes?: Uint8Array;
    };

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

/** Fields that have a default. Other fields with a default are noted where they are filled in. */
const ASSUMED_FIELDS = [
  'type',
  'title',
  'status',
  'labels',
  'actions',
  'metadata',
  'schema_version',
] as const satisfies readonly MessageField[];
const KNOWN_NAMES = [...MESSAGE_FIELDS, ...Object.keys(UNDERSTOOD_FIELDS)];
const REQUIRED = new Set(['tenant_id', 'service']);
const TEXTS = ['tenant_id', 'service', 'id', 'dedup_key', 'name', 'title', 'message'] as const;

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
 * An empty value counts as absent for these fields: in lenient mode a blank name, in strict mode an empty id, for which
 * one is made.
 */
const NONE_WHEN_EMPTY = { strict: ['id'], lenient: ['tenant_id', 'service', 'id', 'dedup_key', 'name'] } as const;

function dropEmpty(fields: MessageFields, judgement: Judgement): void {
  for (const name of NONE_WHEN_EMPTY[judgement]) {
    const value = fields[name];
    if (typeof value === 'string' && value.trim() === '') fields[name] = undefined;
  }
  // in both modes, so that a title is stored as it was validated
  if (typeof fields.title === 'string' && !WELL_SET_LINE.test(fields.title) && judgement === 'strict')
    fields.title = fields.title.trim();
}

/** Text that needs no correction: checking costs less than copying. */
const WELL_SET_LINE = /^[^\s](?:[^\r\n\t]*[^\s])?$/;
/** A longer name is refused for its length, so no slug is made of it. */
const LONGEST_NAME = 1_000;

/** Corrects values whose meaning is clear although they have another JSON type. */
function relax(fields: MessageFields): void {
  for (const name of TEXTS) {
    if (typeof fields[name] === 'number' || typeof fields[name] === 'boolean') fields[name] = String(fields[name]);
  }
  if (typeof fields.title === 'string' && !WELL_SET_LINE.test(fields.title))
    fields.title = fields.title.replace(/[\r\n\t]+/g, ' ').trim() || undefined;
  if (typeof fields.name === 'string' && fields.name.length <= LONGEST_NAME && !SLUG.test(fields.name))
    fields.name = fields.name.replace(/[^A-Za-z0-9._:/-]+/g, '_').replace(/^[^A-Za-z0-9]+|_+$/g, '') || undefined;
  if (typeof fields.id === 'string' && fields.id.length <= 200 && !PRINTABLE_ASCII.test(fields.id))
    fields.id = digest(fields.id);
  if (typeof fields.metadata !== 'object' || Array.isArray(fields.metadata)) {
    if (fields.metadata !== undefined) fields.metadata = { value: asDeepAsMayBe(fields.metadata) };
  }
  if (
    typeof fields.labels === 'object' &&
    fields.labels !== null &&
    !Object.values(fields.labels).every((label) => typeof label === 'string')
  ) {
    fields.labels = Object.fromEntries(Object.entries(fields.labels).map(([key, value]) => [key, asText(value)]));
  }
  if (Array.isArray(fields.channels)) {
    // without any known channel the list counts as absent: with an empty one no recipient would be notified
    const known = fields.channels.filter((channel) => CHANNELS.some((name) => name === channel));
    if (known.length > 0) fields.channels = known;
  }
  if (Array.isArray(fields.recipients)) fields.recipients = fields.recipients.map(asText);
}

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

interface FieldError {
  name: MessageField;
  pointer: string;
  detail: string;
  limit: boolean;
}

/** Builds the message with its defaults and validates it with class-validator. */
function validate(
  fields: MessageFields,
  pointerTo: (name: string) => string,
): { message: AlertMessage; errors: FieldError[] } {
  const message = Object.assign(new AlertMessage(), withDefaults(fields));
  message.id ??= 'made on arrival';
  // one action too many is as wrong as a thousand, and class-validator takes time for each
  if (Array.isArray(message.actions)) message.actions = message.actions.slice(0, MAX_ACTIONS + 1).map(asAction);
  if (Array.isArray(message.recipients)) message.recipients = message.recipients.slice(0, MAX_RECIPIENTS + 1);
  if (surelyValid(message)) return { message, errors: [] };
  const errors = validateSync(message, { forbidUnknownValues: true }).map((error) => {
    const { path, constraints } = deepest(error);
    return {
      name: error.property as MessageField,
      pointer: [pointerTo(error.property), ...path].join('/'),
      detail: `${Object.values(constraints)[0] ?? 'is not valid'}.`,
      limit: Object.keys(constraints).some((constraint) => LIMITS.includes(constraint)),
    };
  });
  return { message, errors };
}

/**
 * class-validator checks only instances of its classes. A value that is no object stays as it is and is refused there.
 */
function asAction(value: unknown): AlertAction {
  if (typeof value !== 'object' || value === null) return value as AlertAction;
  const { label, url, name } = value as AlertAction;
  return Object.assign(new MessageAction(), {
    label,
    ...(url !== undefined && { url }),
    ...(name !== undefined && { name }),
  });
}

/** class-validator nests the errors of `actions`; the innermost one names the fault. */
function deepest(error: ValidationError): { path: string[]; constraints: Record<string, string> } {
  const child = error.children?.[0];
  if (!child) return { path: [], constraints: error.constraints ?? {} };
  const inner = deepest(child);
  return { path: [child.property, ...inner.path], constraints: inner.constraints };
}

function contradictions(fields: MessageFields): FieldError[] {
  const problems: FieldError[] = [];
  if (fields.status === 'resolved' && fields.dedup_key === undefined) {
    problems.push({
      name: 'status',
      pointer: '/dedup_key',
      limit: false,
      detail: 'A resolved message needs the dedup_key of the alert that it resolves.',
    });
  }
  if (fields.dedup_key !== undefined && fields.occurred_at === undefined && fields.snapshot !== true) {
    problems.push({
      name: 'occurred_at',
      pointer: '/occurred_at',
      limit: false,
      detail: 'A message with a dedup_key needs the time at which it happened.',
    });
  }
  return problems;
}

const withDefaults = (fields: MessageFields): MessageFields => ({
  ...fields,
  type: fields.type ?? 'alert',
  title: fields.title ?? titleFor(fields),
  status: fields.status ?? 'firing',
  labels: fields.labels ?? {},
  actions: fields.actions ?? [],
  metadata: fields.metadata ?? {},
  schema_version: fields.schema_version ?? 1,
});

function titleFor({ name, message, service }: MessageFields): string {
  const words = typeof name === 'string' ? name.replace(/[._:/-]+/g, ' ').trim() : '';
  if (words) return words.charAt(0).toUpperCase() + words.slice(1);
  const line =
    typeof message === 'string'
      ? message
          .trim()
          .split(/[\r\n]/, 1)[0]!
          .replaceAll('\t', ' ')
          .slice(0, 300)
          .toWellFormed()
          .trim()
      : '';
  return line || `Alert from ${asText(service)}`;
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

/** The transport's id as the message's id: unchanged where it is a valid one, else a digest of it. */
const transportId = (messageId: string): string =>
  messageId.length <= 200 && PRINTABLE_ASCII.test(messageId) ? messageId : digest(messageId);

/**
 * The id of one of several messages that share a transport id. It is the same when the message is sent again alone
 * under that id.
 */
export const partIdOf = (messageId: string | undefined, index: number): string | undefined =>
  messageId?.trim() ? transportId(`${messageId}/${index}`) : undefined;

/**
 * The id that every redelivery of the message repeats, derived from the transport or the body where possible; else a
 * fresh one. A body with a time is sent once, unless it is a snapshot: the same state can be reported again in the same
 * words.
 */
function idFor(bytes: Uint8Array, { message_id, timestamp }: Envelope, bodyIsSentOnce: boolean): string {
  if (message_id?.trim()) return transportId(message_id);
  if (bodyIsSentOnce || timestamp !== undefined)
    return digest(Buffer.concat([bytes, Buffer.from(String(timestamp ?? ''))]));
  return uuidv7();
}

function take(fields: MessageFields, name: MessageField): unknown {
  const value = fields[name];
  fields[name] = undefined;
  return value;
}

/**
 * A JSON value as text. `String` throws for an object whose `toString` is not a function, and JSON can contain such an
 * object.
 */
const asText = (value: unknown): string => (typeof value === 'object' ? JSON.stringify(value) : String(value));

/** A value that would nest too deeply below `metadata` is stored as its JSON text. */
const asDeepAsMayBe = (value: unknown): unknown => (fitsInMetadata(value) ? value : JSON.stringify(value));

/** A free name beside an existing field of that name: `body.name`. */
function freeName(target: object, name: string): string {
  let free = name;
  while (Object.hasOwn(target, free)) free = `body.${free}`;
  return free;
}

/** Defines a property, because an assignment to `__proto__` would set the prototype. */
const define = (target: object, name: string, value: unknown) =>
  Object.defineProperty(target, name, { value, enumerable: true, configurable: true, writable: true });
