import 'reflect-metadata';
import { hash } from 'node:crypto';
import { Type } from 'class-transformer';
import {
  ArrayMaxSize, Equals, IsArray, IsIn, IsISO8601, IsObject, IsOptional, IsString, IsUrl, Matches, MaxLength, MinLength,
  Validate, ValidateNested, validateSync, ValidatorConstraint, type ValidationError, type ValidatorConstraintInterface,
} from 'class-validator';
import { v7 as uuidv7 } from 'uuid';
import { decodeBody } from './decode-body';
import { MAX_ERRORS, pointerPart, type InputError, type MessageErrorCode } from './errors';
import { MESSAGE_FIELDS, type MessageField, type MessageFields } from './message-fields';
import { readRoutingKey } from './names';
import { surelyValid } from './surely-valid';
import { TENANT_ID_PATTERN, tenantIdOf, type TenantId } from './tenant';
import { didYouMean } from './nearest-name';
import { UNDERSTOOD_FIELDS, readInstant, understand } from './understood-names';
import {
  ALERT_TYPES, CHANNELS, MESSAGE_STATUSES, SEVERITIES,
  type AlertAction, type AlertMessageBody, type AlertType, type Channel, type MessageStatus, type Severity,
} from './wire';

/** The most that one message may be: 64 KiB, well below what RabbitMQ, Redis and a browser take without complaint. */
export const MAX_MESSAGE_BYTES = 65_536;

const SLUG = /^[A-Za-z0-9][A-Za-z0-9._:/-]*$/;
const PRINTABLE_ASCII = /^[\x21-\x7e]([\x20-\x7e]*[\x21-\x7e])?$/;
const ONE_LINE = /^[^\r\n\t]*$/;

@ValidatorConstraint({ name: 'isLabelMap' })
class IsLabelMap implements ValidatorConstraintInterface {
  validate(value: unknown): boolean {
    return typeof value === 'object' && value !== null && Object.values(value).every((label) => typeof label === 'string');
  }
  defaultMessage = () => 'labels must be a flat map of strings';
}

const MAX_ACTIONS = 10;
const MAX_RECIPIENTS = 100;

/** How many labels a message may have, and how many characters their names and values. */
export const LABEL_LIMITS = { count: 32, key: 100, value: 500 } as const;

/** The constraints that are limits: exceeding one is never forgiven, since what is cut off may be what mattered. */
@ValidatorConstraint({ name: 'labelLimit' })
class LabelLimit implements ValidatorConstraintInterface {
  validate(value: unknown): boolean {
    if (typeof value !== 'object' || value === null) return true;
    const labels = Object.entries(value);
    return labels.length <= LABEL_LIMITS.count && labels.every(([key, label]) => key.length <= LABEL_LIMITS.key && (typeof label !== 'string' || label.length <= LABEL_LIMITS.value));
  }
  defaultMessage = () => `labels must be at most ${LABEL_LIMITS.count}, with keys up to ${LABEL_LIMITS.key} and values up to ${LABEL_LIMITS.value} characters`;
}
const LIMITS = ['maxLength', 'arrayMaxSize', 'labelLimit'];

export class MessageAction implements AlertAction {
  @MinLength(1) @MaxLength(100) label!: string;
  @IsOptional() @IsUrl({ protocols: ['http', 'https'], require_protocol: true, require_tld: false }) @MaxLength(2000) url?: string;
  @IsOptional() @IsString() @MaxLength(100) name?: string;
}

/**
 * An alert message as the rest of Tocsin knows it: canonical names, every limit kept, defaults filled in. This class is
 * the only declaration of the message; whatever describes it elsewhere is derived from it.
 */
export class AlertMessage implements AlertMessageBody {
  /** Whose alert it is. */
  @Matches(TENANT_ID_PATTERN) tenant_id!: TenantId;
  /** Which service noticed. The routing key's wins where both name one, because the broker can authorise it. */
  @Matches(/^[A-Za-z0-9._-]+$/) @MaxLength(64) service!: string;
  /** Of the body's and the routing key's, the higher. */
  @IsIn(SEVERITIES) severity!: Severity;
  /** The producer's id: with `tenant_id` and `service` the idempotency key. Made on arrival when nothing gives one. */
  @Matches(PRINTABLE_ASCII) @MaxLength(200) id!: string;
  /** Default: the routing key's, else `alert`. */
  @IsIn(ALERT_TYPES) type!: AlertType;
  /** What happened, as a slug: `low_stock`. */
  @IsOptional() @Matches(SLUG) @MaxLength(100) name?: string;
  /** Default: the name in words, else the message's first line, else the service. */
  @MinLength(1) @MaxLength(300) @Matches(ONE_LINE) title!: string;
  @IsOptional() @IsString() @MaxLength(8000) message?: string;
  /** Names the alert that this message is about, within tenant and service. Without it the message is an alert of its own. */
  @IsOptional() @MinLength(1) @MaxLength(200) @Matches(ONE_LINE) dedup_key?: string;
  /** Default `firing`. `resolved` needs a `dedup_key`. */
  @IsIn(MESSAGE_STATUSES) status!: MessageStatus;
  /** The producer's clock: ISO 8601 in UTC with milliseconds. Required with a `dedup_key`. */
  @IsOptional() @IsISO8601({ strict: true, strictSeparator: true }) occurred_at?: string;
  /** What filters, rules and grouping match on. Default none. */
  @Validate(IsLabelMap) @Validate(LabelLimit) labels!: Record<string, string>;
  @IsArray() @ArrayMaxSize(MAX_ACTIONS) @ValidateNested({ each: true }) @Type(() => MessageAction) actions!: AlertAction[];
  /** Who is to be told, instead of whoever the tenant has named: e-mail addresses, phone numbers (E.164), http(s) addresses. */
  @IsOptional() @IsArray() @ArrayMaxSize(MAX_RECIPIENTS) @IsString({ each: true }) @MaxLength(320, { each: true }) recipients?: string[];
  /** Over which channels, instead of those that the severity asks for. */
  @IsOptional() @IsArray() @IsIn(CHANNELS, { each: true }) channels?: Channel[];
  /** Whatever else the producer has to say; at most 16 levels deep. */
  @IsObject() metadata!: Record<string, unknown>;
  @Equals(1) schema_version!: 1;
}

/** What the transport says about a message beside its body. All optional, none of it trusted. */
export interface Envelope {
  routing_key?: string;
  message_id?: string;
  /** Epoch seconds. */
  timestamp?: number;
  headers?: Readonly<Record<string, unknown>>;
  /** What holds where the message does not say it: a sender whose fields cannot be chosen has an address that can. */
  tenant_id?: string;
  service?: string;
  severity?: Severity;
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
  | { ok: false; code: MessageErrorCode; errors: InputError[]; more_errors?: number; tenant_id: TenantId | null };

/**
 * The only parser of alert messages, for AMQP and HTTP. Looks at size, UTF-8, JSON, depth, control characters, unknown
 * fields and fields, in that order, with one stable code each. Never throws.
 */
export function parseAlertMessage(bytes: Uint8Array, envelope: Envelope = {}, judgement: Judgement = 'lenient'): ParsedMessage {
  const decoded = decodeBody(bytes, MAX_MESSAGE_BYTES);
  if (!decoded.ok) return refuse(decoded.code, [{ code: decoded.code, detail: decoded.detail }]);
  return readMessage(decoded.value, envelope, judgement, bytes);
}

/** The same for one value of a decoded batch. `bytes` is what its id is drawn from when nothing else gives one. */
export function readMessage(value: unknown, envelope: Envelope, judgement: Judgement, bytes: Uint8Array): ParsedMessage {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return refuse('invalid_json', [{ code: 'invalid_json', detail: 'The message must be a JSON object.' }]);
  }
  const { fields, unknown, origins, leftovers } = understand(value as Record<string, unknown>);
  const pointerTo = (name: string) => `/${pointerPart(origins.get(name) ?? name)}`;

  if (judgement === 'strict' && unknown.size > 0) {
    const listed = [...unknown.keys()].slice(0, MAX_ERRORS);
    const errors = listed.map((name) => ({ pointer: pointerTo(name), code: 'unknown_field' as const, detail: `Unknown field.${didYouMean(name, KNOWN_NAMES)}` }));
    return refuse('unknown_field', errors, fields.tenant_id, unknown.size - listed.length);
  }
  if (judgement === 'lenient') relax(fields);
  const kept = new Map<string, unknown>([...leftovers, ...unknown]);
  addRoutingKey(fields, envelope.routing_key, kept);
  fields.tenant_id ??= envelope.tenant_id;
  fields.service ??= envelope.service;
  fields.severity ??= envelope.severity;

  let { message, whole, errors } = validate(fields, pointerTo);
  if (judgement === 'lenient' && errors.length > 0) {
    for (const { name } of errors.filter((error) => !error.limit && !REQUIRED.has(error.name))) kept.set(name, take(fields, name));
    fields.severity ??= readRoutingKey(envelope.routing_key)?.severity ?? 'high';
    ({ message, whole, errors } = validate(fields, pointerTo));
  }
  if (fields.tenant_id === undefined) return refuse('missing_tenant', [missing('/tenant_id', 'missing_tenant')]);
  if (fields.service === undefined) return refuse('missing_service', [missing('/service', 'missing_service')], fields.tenant_id);
  const bodyHasTime = fields.occurred_at !== undefined;
  // with the defaults in: a message that came by HTTP has them spelled out when it reaches the queue
  const bodyHash = digest(namesItsChange(whole) ? whole.id : JSON.stringify([MESSAGE_FIELDS.map((name) => whole[name]), ...kept]));
  if (judgement === 'strict') errors.push(...contradictions(fields));
  else if (fields.dedup_key !== undefined) fields.occurred_at ??= readInstant(envelope.timestamp) ?? new Date().toISOString();
  if (errors.length > 0) {
    return refuse('invalid_field', errors.map(({ pointer, detail }) => ({ pointer, code: 'invalid_field', detail })), fields.tenant_id);
  }

  message.id = typeof fields.id === 'string' ? fields.id : idFor(bytes, envelope, bodyHasTime);
  if (typeof fields.occurred_at === 'string') message.occurred_at = fields.occurred_at;
  for (const [name, left] of kept) define(message.metadata, Object.hasOwn(message.metadata, name) ? `body.${name}` : name, left);
  return { ok: true, message, body_hash: bodyHash, understood: [...origins.values()], unknown: [...kept.keys()] };
}

// ---- in the order used above --------------------------------------------------------------------------------------

const KNOWN_NAMES = [...MESSAGE_FIELDS, ...Object.keys(UNDERSTOOD_FIELDS)];
const REQUIRED = new Set(['tenant_id', 'service']);
const TEXTS = ['tenant_id', 'service', 'id', 'dedup_key', 'name', 'title', 'message'] as const;

const refuse = (code: MessageErrorCode, errors: InputError[], tenant?: unknown, more = 0): ParsedMessage => ({
  ok: false, code, errors, ...(more > 0 && { more_errors: more }), tenant_id: tenantIdOf(tenant),
});
const missing = (pointer: string, code: 'missing_tenant' | 'missing_service'): InputError => ({ pointer, code, detail: 'This field is required.' });

/** What needs no relaxing: looking is cheaper than copying. */
const WELL_SET_LINE = /^[^\s](?:[^\r\n\t]*[^\s])?$/;
const WELL_SET_SLUG = /^[A-Za-z0-9](?:[A-Za-z0-9._:/-]*[A-Za-z0-9.:/-])?$/;

/** What a producer plainly meant, though it said it in another JSON type. */
function relax(fields: MessageFields): void {
  for (const name of TEXTS) {
    if (typeof fields[name] === 'number' || typeof fields[name] === 'boolean') fields[name] = String(fields[name]);
  }
  if (typeof fields.title === 'string' && !WELL_SET_LINE.test(fields.title)) fields.title = fields.title.replace(/[\r\n\t]+/g, ' ').trim() || undefined;
  if (typeof fields.name === 'string' && !WELL_SET_SLUG.test(fields.name)) fields.name = fields.name.replace(/[^A-Za-z0-9._:/-]+/g, '_').replace(/^[^A-Za-z0-9]+|(?<!_)_+$/g, '') || undefined;
  if (typeof fields.id === 'string' && fields.id.length <= 200 && !PRINTABLE_ASCII.test(fields.id)) fields.id = digest(fields.id);
  if (typeof fields.metadata !== 'object' || Array.isArray(fields.metadata)) {
    if (fields.metadata !== undefined) fields.metadata = { value: fields.metadata };
  }
  if (typeof fields.labels === 'object' && fields.labels !== null && !Object.values(fields.labels).every((label) => typeof label === 'string')) {
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

/** `whole` is what the producer said with the defaults in, `message` the same as class-validator has to see it. */
function validate(fields: MessageFields, pointerTo: (name: string) => string): { message: AlertMessage; whole: MessageFields; errors: FieldError[] } {
  const whole = withDefaults(fields);
  const message = Object.assign(new AlertMessage(), whole);
  message.id ??= 'made on arrival';
  // one too many is as wrong as a thousand, and class-validator takes its time for each
  if (Array.isArray(message.actions)) message.actions = message.actions.slice(0, MAX_ACTIONS + 1).map(asAction);
  if (Array.isArray(message.recipients)) message.recipients = message.recipients.slice(0, MAX_RECIPIENTS + 1);
  if (surelyValid(message)) return { message, whole, errors: [] };
  const errors = validateSync(message, { forbidUnknownValues: true }).map((error) => {
    const { path, constraints } = deepest(error);
    return {
      name: error.property as MessageField,
      pointer: [pointerTo(error.property), ...path].join('/'),
      detail: `${Object.values(constraints)[0] ?? 'is not valid'}.`,
      limit: Object.keys(constraints).some((constraint) => LIMITS.includes(constraint)),
    };
  });
  return { message, whole, errors };
}

/** class-validator looks into instances of its classes alone; what is no object stays as it is, for it to refuse. */
function asAction(value: unknown): AlertAction {
  if (typeof value !== 'object' || value === null) return value as AlertAction;
  const { label, url, name } = value as AlertAction;
  return Object.assign(new MessageAction(), { label, ...(url !== undefined && { url }), ...(name !== undefined && { name }) });
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
    problems.push({ name: 'status', pointer: '/dedup_key', limit: false, detail: 'A resolved message needs the dedup_key of the alert that it resolves.' });
  }
  if (fields.dedup_key !== undefined && fields.occurred_at === undefined) {
    problems.push({ name: 'occurred_at', pointer: '/occurred_at', limit: false, detail: 'A message with a dedup_key needs the time at which it happened.' });
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
  const line = typeof message === 'string' ? message.trim().split(/[\r\n]/, 1)[0]!.replaceAll('\t', ' ').slice(0, 300).toWellFormed() : '';
  return line || `Alert from ${asText(service)}`;
}

/**
 * Whether the id says which change of which alert this is, `<dedup_key>/<status>/…`: then another message under it is a
 * repeat, whatever its words, and no other message. docs/decisions/0011.
 */
const namesItsChange = (fields: MessageFields): fields is MessageFields & { id: string } =>
  typeof fields.id === 'string' && typeof fields.dedup_key === 'string' && fields.id.startsWith(`${fields.dedup_key}/${asText(fields.status)}/`);

/** An id that a redelivery repeats, when anything in the message can give one; else a fresh one. */
function idFor(bytes: Uint8Array, { message_id, timestamp }: Envelope, bodyHasTime: boolean): string {
  if (message_id) return message_id.length <= 200 && PRINTABLE_ASCII.test(message_id) ? message_id : digest(message_id);
  if (bodyHasTime || timestamp !== undefined) return digest(Buffer.concat([bytes, Buffer.from(String(timestamp ?? ''))]));
  return uuidv7();
}

function take(fields: MessageFields, name: MessageField): unknown {
  const value = fields[name];
  fields[name] = undefined;
  return value;
}

/** What JSON brought, as text. `String` throws at an object whose `toString` is no function, which JSON can say. */
const asText = (value: unknown): string => (typeof value === 'object' ? JSON.stringify(value) : String(value));

/** Assignment would give `__proto__` a meaning. */
const define = (target: object, name: string, value: unknown) =>
  Object.defineProperty(target, name, { value, enumerable: true, configurable: true, writable: true });

/** 128 bits of SHA-256: names, not signatures. */
const digest = (text: string | Uint8Array): string => hash('sha256', text, 'base64url').slice(0, 22);
