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
import { MESSAGE_FIELDS, noFields, type MessageField, type MessageFields } from './message-fields';
import { readRoutingKey } from './routing-key';
import { asSaid, publishedForm, shortenToFit } from './published-form';
import { surelyValid } from './surely-valid';
import { didYouMean } from './nearest-name';
import { withoutHops } from './trace-context';
import { UNDERSTOOD_FIELDS, understand } from './understood-names';

/** The most that one message may be: 64 KiB, well below what RabbitMQ, Redis and a browser take without complaint. */
export const MAX_MESSAGE_BYTES = 65_536;

const SLUG = /^[A-Za-z0-9][A-Za-z0-9._:/-]*$/;
const PRINTABLE_ASCII = /^[\x21-\x7e]([\x20-\x7e]*[\x21-\x7e])?$/;
/** And not of blanks alone, which say nothing. */
const ONE_LINE = /^(?=[^]*\S)[^\r\n\t]*$/;

const MAX_ACTIONS = 10;
const MAX_RECIPIENTS = 100;

/** The constraints that are limits: exceeding one is never forgiven, since what is cut off may be what mattered. */
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
 * An alert message as the rest of Tocsin knows it: canonical names, every limit kept, defaults filled in. This class is
 * the only declaration of the message; whatever describes it elsewhere is derived from it.
 */
export class AlertMessage implements ValidMessage {
  /** Whose alert it is. */
  @Matches(TENANT_ID_PATTERN) tenant_id!: TenantId;
  /** Which service noticed. The routing key's wins where both name one, because the broker can authorise it. */
  @Matches(/^[A-Za-z0-9._-]+$/) @MaxCharacters(64) service!: string;
  /** Of the body's and the routing key's, the higher. */
  @IsIn(SEVERITIES) severity!: Severity;
  /** The producer's id: with `tenant_id` and `service` the idempotency key. Made on arrival when nothing gives one. */
  @Matches(PRINTABLE_ASCII) @MaxCharacters(200) id!: string;
  /** Default: the routing key's, else `alert`. */
  @IsIn(ALERT_TYPES) type!: AlertType;
  /** What happened, as a slug: `low_stock`. */
  @IsOptional() @Matches(SLUG) @MaxCharacters(100) name?: string;
  /** Default: the name in words, else the message's first line, else the service. */
  @MinLength(1) @MaxCharacters(300) @Matches(ONE_LINE) title!: string;
  @IsOptional() @IsString() @MaxCharacters(8000) message?: string;
  /** Names the alert that this message is about, within tenant and service. Without it the message is an alert of its own. */
  @IsOptional() @MinLength(1) @MaxCharacters(200) @Matches(ONE_LINE) dedup_key?: string;
  /** Default `firing`. `resolved` needs a `dedup_key`. */
  @IsIn(MESSAGE_STATUSES) status!: MessageStatus;
  /** The message says what is so now, not what changed when: compared with the alert as it stands, and with no clock. Default false. */
  @IsOptional() @IsBoolean() snapshot?: boolean;
  /** The producer's clock: ISO 8601 in UTC with milliseconds. Required with a `dedup_key`, unless it is a `snapshot`. */
  @IsOptional() @IsReadInstant() occurred_at?: string;
  /** What filters, rules and grouping match on. Default none. */
  @Validate(IsLabelMap) @Validate(LabelLimit) labels!: Record<string, string>;
  @IsArray()
  @ArrayMaxSize(MAX_ACTIONS)
  @ValidateNested({ each: true })
  @Type(() => MessageAction)
  actions!: AlertAction[];
  /** Who is to be told, instead of whoever the tenant has named: e-mail addresses, phone numbers (E.164), http(s) addresses. */
  @IsOptional()
  @IsArray()
  @ArrayMaxSize(MAX_RECIPIENTS)
  @IsString({ each: true })
  @MaxCharacters(320, { each: true })
  recipients?: string[];
  /** Over which channels, instead of those that the severity asks for. */
  @IsOptional() @IsArray() @IsIn(CHANNELS, { each: true }) channels?: Channel[];
  /** Whatever else the producer has to say; at most 16 levels deep. */
  @IsObject() metadata!: Record<string, unknown>;
  @Equals(1) schema_version!: 1;
  /**
   * The fields above that the message does not say, and which have a default: what is not said changes nothing of an alert.
   * `occurred_at` among them: it is the transport's time, and compared with none. Absent: the message says whatever it has.
   */
  assumed?: readonly MessageField[];

  /** As it travels: a default that is spelled out would be taken for what the producer says. */
  toJSON(): AlertMessageBody {
    return asSaid(this);
  }
}

/** What the transport says about a message beside its body. All optional, none of it trusted. */
export interface Envelope {
  routing_key?: string;
  message_id?: string;
  /** Epoch seconds. */
  timestamp?: number;
  headers?: Readonly<Record<string, unknown>>;
  content_type?: string;
  /** How the body is compressed, if it is. */
  content_encoding?: string;
  /** What holds where the message does not say it: a sender whose fields cannot be chosen has an address that can. */
  tenant_id?: string;
  service?: string;
  severity?: Severity;
  /** The most bytes of a message as it will be published, for a door that publishes it. What is longer is refused there. */
  publishes_at_most?: number;
  /** What an alert is whose sender says that it has no severity (the label `severity: none`). Default `low`. */
  severity_none?: Severity;
}

/** How to judge: `strict` where somebody reads the answer (HTTP), `lenient` where the other choice is a silent bell (AMQP). */
export type Judgement = 'strict' | 'lenient';

export type ParsedMessage =
  | {
      ok: true;
      message: AlertMessage;
      /** Tells the same message sent again from another one under its id. */
      body_hash: string;
      /** Producers' names that were renamed, and fields that were kept under `metadata` because nobody knows them. For counting. */
      understood: string[];
      unknown: string[];
    }
  | {
      ok: false;
      code: MessageErrorCode;
      errors: InputError[];
      /** How many errors there are beside these. */
      more_errors?: number;
      tenant_id: TenantId | null;
      /** The refused part of a group alone, as it can be read again; undefined where it is the whole. */
      bytes?: Uint8Array;
    };

/**
 * The only parser of alert messages, for AMQP and HTTP. Looks at size, UTF-8, JSON, depth, control characters, unknown
 * fields and fields, in that order, with one stable code each. Never throws.
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

/** The same for one value of a decoded batch. `bytes` is what its id is drawn from when nothing else gives one. */
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

  // before all that costs more: a batch may hold thousands of these
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
  // whose clock the transport's time is nobody knows: that of a broker, or of a door of ours. It is shown, and orders nothing
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

/** Fields that have a default. Others of that kind are told apart where they are filled in. */
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

/** Names of blanks name nothing: they are as good as absent where nobody reads the answer. An id is made for whoever sends an empty one. */
const NONE_WHEN_EMPTY = { strict: ['id'], lenient: ['tenant_id', 'service', 'id', 'dedup_key', 'name'] } as const;

function dropEmpty(fields: MessageFields, judgement: Judgement): void {
  for (const name of NONE_WHEN_EMPTY[judgement]) {
    const value = fields[name];
    if (typeof value === 'string' && value.trim() === '') fields[name] = undefined;
  }
  // at both doors, so that a title is stored as it was judged
  if (typeof fields.title === 'string' && !WELL_SET_LINE.test(fields.title) && judgement === 'strict')
    fields.title = fields.title.trim();
}

/** What needs no relaxing: looking is cheaper than copying. */
const WELL_SET_LINE = /^[^\s](?:[^\r\n\t]*[^\s])?$/;
/** A name that is longer is refused for its length: nobody looks for a slug in it. */
const LONGEST_NAME = 1_000;

/** What a producer plainly meant, though it said it in another JSON type. */
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
    // with none that we know, the list is as good as absent: an empty one would tell nobody
    const known = fields.channels.filter((channel) => CHANNELS.some((name) => name === channel));
    if (known.length > 0) fields.channels = known;
  }
  if (Array.isArray(fields.recipients)) fields.recipients = fields.recipients.map(asText);
}

/** The key's service wins, since the broker can authorise it; of two severities the higher wins, since the other choice is a bell too soft. */
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

/** What the producer said with the defaults in, as class-validator has to see it. */
function validate(
  fields: MessageFields,
  pointerTo: (name: string) => string,
): { message: AlertMessage; errors: FieldError[] } {
  const message = Object.assign(new AlertMessage(), withDefaults(fields));
  message.id ??= 'made on arrival';
  // one too many is as wrong as a thousand, and class-validator takes its time for each
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

/** class-validator looks into instances of its classes alone; what is no object stays as it is, for it to refuse. */
function asAction(value: unknown): AlertAction {
  if (typeof value !== 'object' || value === null) return value as AlertAction;
  const { label, url, name } = value as AlertAction;
  return Object.assign(new MessageAction(), {
    label,
    ...(url !== undefined && { url }),
    ...(name !== undefined && { name }),
  });
}

/** class-validator nests the errors of `actions`; the innermost one names what is wrong. */
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

/** What the producer said, as far as it tells one message from another: with the defaults in, since other doors may spell them out. */
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

/** Measures what will be published. What a webhook sent is shortened first: its sender would only send the same again. */
function sizeError(message: AlertMessage, most: number, judgement: Judgement): InputError | undefined {
  const { length } = publishedForm(message);
  if (length <= most || (judgement === 'lenient' && shortenToFit(message, most))) return undefined;
  return {
    code: 'message_too_large',
    detail: `The message has ${length} bytes as it is published; at most ${most} are accepted.`,
  };
}

/** The transport's id as the message's: as it is where it can be one, else a name for it. */
const transportId = (messageId: string): string =>
  messageId.length <= 200 && PRINTABLE_ASCII.test(messageId) ? messageId : digest(messageId);

/** The same for one of several messages that came under one: it stays what it is when the message comes alone under it. */
export const partIdOf = (messageId: string | undefined, index: number): string | undefined =>
  messageId?.trim() ? transportId(`${messageId}/${index}`) : undefined;

/**
 * An id that a redelivery repeats, when anything in the message can give one; else a fresh one. A body with a time is sent
 * once, unless it is a snapshot: what is so again is told in the same words again.
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

/** What JSON brought, as text. `String` throws at an object whose `toString` is no function, which JSON can say. */
const asText = (value: unknown): string => (typeof value === 'object' ? JSON.stringify(value) : String(value));

/** A value below `metadata` that would nest too deeply there is its JSON text. */
const asDeepAsMayBe = (value: unknown): unknown => (fitsInMetadata(value) ? value : JSON.stringify(value));

/** Beside a field of that name: `body.name`. */
function freeName(target: object, name: string): string {
  let free = name;
  while (Object.hasOwn(target, free)) free = `body.${free}`;
  return free;
}

/** Assignment would give `__proto__` a meaning. */
const define = (target: object, name: string, value: unknown) =>
  Object.defineProperty(target, name, { value, enumerable: true, configurable: true, writable: true });
