import { type InputError, type MessageErrorCode, tenantIdOf } from '@tocsin/contracts';
import { partIdOf } from './message-id';
import { MAX_MESSAGE_BYTES, readMessage } from './parse-alert-message';
import type { Envelope, Judgement, ParsedMessage } from './parsed-message';
import { decompress } from './content-encoding';
import { decodeJson, faultIn, withStorableText } from './decode-body';
import { readList } from './read-list';
import { below, unreadable, type Fault, type Refusal } from './refusals';
import { faultsOfCloudEvent, isWithoutData, readCloudEvent } from './shapes/cloud-event';
import type { MessagePart, MessageShape } from './shapes/message-part';
import { recognisePagerDutyEvent } from './shapes/pagerduty-event';
import { readPrometheusAlerts } from './shapes/prometheus-alerts';
import { envelopeOf, opened, type Opened } from './shapes/wrappers';

/** The formats of other systems. Each has marks that no other format has. */
const SHAPES = [readCloudEvent, readPrometheusAlerts, recognisePagerDutyEvent] as const;

/** The content of one body, from a queue or a request. */
export interface ReadBody {
  /**
   * The messages as understood, in their order in the body; none in an empty batch of CloudEvents. Pointers refer to
   * the body.
   */
  messages: ParsedMessage[];
  /** The format of the body; undefined for Tocsin's own. */
  shape?: MessageShape['name'];
  /** Whether the sender is a webhook: each message is then validated alone, and leniently. */
  webhook: boolean;
  /**
   * How many characters of the messages could not be stored and became U+FFFD. Only in the formats of other systems,
   * whose senders cannot correct them.
   */
  replaced: number;
}

/**
 * `parseAlertMessage` for every accepted format: Tocsin's own message, a CloudEvent, a webhook of Alertmanager or
 * Grafana, an event of PagerDuty, or a list of these; also compressed, or within the wrapper of a client library. Each
 * message is validated separately. Never throws.
 */
export function parseMessages(bytes: Uint8Array, envelope: Envelope = {}, judgement: Judgement = 'lenient'): ReadBody {
  const plain =
    bytes.byteLength > MAX_MESSAGE_BYTES
      ? { ok: true as const, bytes }
      : decompress(bytes, envelope.content_encoding, MAX_MESSAGE_BYTES);
  if (plain.ok && isWithoutData(plain.bytes, envelope.headers))
    return readMessages(undefined, envelope, judgement, plain.bytes, false);
  const decoded = plain.ok ? decodeJson(plain.bytes, MAX_MESSAGE_BYTES) : plain;
  if (!decoded.ok || !plain.ok) return { messages: [unreadable(decoded as Fault, bytes)], webhook: false, replaced: 0 };
  return readMessages(decoded.value, envelope, judgement, plain.bytes, decoded.escapes);
}

/** The same for one value of a decoded batch. `escapes` comes from `decodeJson`. */
export function readMessages(
  value: unknown,
  envelope: Envelope,
  judgement: Judgement,
  bytes: Uint8Array,
  escapes: boolean,
): ReadBody {
  const inner = opened(value, escapes);
  const read = readOpened(inner, envelope, judgement, bytes);
  return inner.at === '' ? read : { ...read, messages: read.messages.map((message) => below(inner.at, message)) };
}

function readOpened({ value, escapes }: Opened, envelope: Envelope, judgement: Judgement, bytes: Uint8Array): ReadBody {
  const group = MessageGroup.of(value, envelope, bytes, escapes);
  if (!group) {
    if (Array.isArray(value) && !envelopeOf(value))
      return readList(value, envelope, (one, told, own) => readMessages(one, told, judgement, own, escapes));
    return { messages: [readOwn(value, envelope, judgement, bytes, escapes)], webhook: false, replaced: 0 };
  }
  const { name, webhook, count } = group.shape;
  const messages = Array.from({ length: count }, (_, index) => group.read(index, judgement));
  return { messages, shape: name, webhook, replaced: group.replaced };
}

/** Reads a message in Tocsin's own format; for anything else, says what it looks like. */
export function readOwn(
  value: unknown,
  envelope: Envelope,
  judgement: Judgement,
  bytes: Uint8Array,
  escapes: boolean,
): ParsedMessage {
  const fault = faultIn(value, escapes);
  if (fault) return unreadable(fault);
  const parsed = readMessage(value, envelope, judgement, bytes);
  if (parsed.ok) return parsed;
  const faults = faultsOfCloudEvent(value, envelope.headers);
  if (faults)
    return { ...parsed, code: 'invalid_field', errors: faults.map((one) => ({ ...one, code: 'invalid_field' })) };
  const system = envelopeOf(value);
  if (!system) return parsed;
  const code = 'foreign_envelope';
  return {
    ...parsed,
    code,
    errors: [
      {
        pointer: '',
        code,
        detail: `This is a message of ${system}, and what is within is not opened. Publish that alone, or as a CloudEvent.`,
      },
    ],
  };
}

/** A reader of one format: undefined when the value has another format. */
type ReadShape = (value: unknown, headers?: Envelope['headers']) => MessageShape | undefined;

/**
 * Some text of these formats is not in the body that was checked: attributes of a CloudEvent in headers, an alias in
 * the address.
 */
const FROM_ELSEWHERE: ReadonlySet<MessageShape['name']> = new Set(['cloudevent', 'opsgenie']);

/**
 * The messages of another system. They are read one at a time, since a group may hold more of them than one turn should
 * take.
 */
export class MessageGroup {
  /** How many characters of the messages read so far could not be stored. */
  replaced = 0;
  private readonly told: Envelope;

  private constructor(
    readonly shape: MessageShape,
    private readonly envelope: Envelope,
    private readonly bytes: Uint8Array,
    private readonly escapes: boolean,
  ) {
    const { service, severity } = shape.defaults;
    this.told = {
      ...envelope,
      service: envelope.service ?? service,
      severity: envelope.severity ?? severity,
      key_is_id: shape.ends_by_key && envelope.tells_key,
    };
  }

  /** Undefined when the value has no format of another system. `read`: the reader of the expected format. */
  static of(
    value: unknown,
    envelope: Envelope,
    bytes: Uint8Array,
    escapes: boolean,
    read: ReadShape = shapeOf,
  ): MessageGroup | undefined {
    const shape = read(value, envelope.headers);
    return shape && new MessageGroup(shape, envelope, bytes, escapes || FROM_ELSEWHERE.has(shape.name));
  }

  /** The same group with more said about its messages. It counts anew what could not be stored. */
  with(more: Envelope): MessageGroup {
    return new MessageGroup(this.shape, { ...this.envelope, ...more }, this.bytes, this.escapes);
  }

  read(index: number, judgement: Judgement): ParsedMessage {
    const { shape, envelope } = this;
    const part = shape.part(index);
    if (shape.count === 1) return this.readPart(part, judgement, envelope.message_id, this.bytes);
    // the transport's id belongs to the whole group, and two parts may be equal
    return this.readPart(part, judgement, partIdOf(envelope.message_id, index));
  }

  /** Reads a part, also one that is not counted among the messages. */
  readPart(given: MessagePart, judgement: Judgement, message_id?: string, bytes?: Uint8Array): ParsedMessage {
    const part = this.addressed(this.escapes ? this.storable(given) : given);
    const fault = part.refusal ? this.refuse(part, 'invalid_field', part.refusal) : this.faultOf(part);
    if (fault) return { ...fault, bytes: this.bytesOf(part) };
    const own = bytes ?? Buffer.from(JSON.stringify([part.at, part.body]));
    const severity = part.severity_none ? (this.told.severity_none ?? 'low') : this.told.severity;
    const parsed = readMessage(
      part.body,
      { ...this.told, severity, message_id },
      this.shape.webhook ? 'lenient' : judgement,
      own,
    );
    return parsed.ok ? parsed : { ...located(parsed, part), bytes: this.bytesOf(part) };
  }

  /** A text beside the messages, with U+FFFD for each character that cannot be stored. */
  storableText(text: string): string {
    const { value, replaced } = withStorableText(text);
    this.replaced += replaced;
    return value as string;
  }

  private addressed(part: MessagePart): MessagePart {
    const { tenant_id } = this.told;
    return this.shape.ends_by_key && tenant_id !== undefined ? { ...part, body: { ...part.body, tenant_id } } : part;
  }

  private storable(part: MessagePart): MessagePart {
    const { value, replaced } = withStorableText(part.body);
    this.replaced += replaced;
    return replaced > 0 ? { ...part, body: value as MessagePart['body'] } : part;
  }

  private faultOf(part: MessagePart): Refusal | undefined {
    const fault = faultIn(part.body, false);
    return fault && this.refuse(part, fault.code, { pointer: '', detail: fault.detail });
  }

  private refuse(
    { at, body }: MessagePart,
    code: MessageErrorCode,
    { pointer, detail }: { pointer: string; detail: string },
  ): Refusal {
    return {
      ok: false,
      code,
      errors: [{ pointer: `${at}${pointer}`, code, detail }],
      tenant_id: tenantIdOf(body.tenant_id ?? this.told.tenant_id),
    };
  }

  /** The position of a message's field in the body, as a JSON pointer. */
  pointerTo(index: number, field: string): string {
    const { at, pointers } = this.shape.part(index);
    return `${at}${pointers[field] ?? `/${field}`}`;
  }

  /** The part alone as a message that can be parsed again, with the fields of its address. */
  private bytesOf({ body, raw }: MessagePart): Buffer {
    const { tenant_id, service, severity } = this.told;
    try {
      return Buffer.from(JSON.stringify(raw === undefined ? { tenant_id, service, severity, ...body } : raw));
    } catch {
      return Buffer.from('"nested too deeply to be written"');
    }
  }
}

function shapeOf(value: unknown, headers: Envelope['headers']): MessageShape | undefined {
  for (const read of SHAPES) {
    const shape = read(value, headers);
    if (shape) return shape;
  }
  return undefined;
}

/** Makes the pointers of a refusal refer to the body. */
function located(parsed: Refusal, { at, pointers }: MessagePart): Refusal {
  const errors = parsed.errors.map((error): InputError => {
    const [, name = '', rest = ''] = /^\/([^/]*)(.*)$/.exec(error.pointer ?? '') ?? [];
    return {
      ...error,
      pointer: `${at}${Object.hasOwn(pointers, name) ? `${pointers[name]!}${rest}` : (error.pointer ?? '')}`,
    };
  });
  return { ...parsed, errors };
}
