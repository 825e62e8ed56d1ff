import {
  below,
  faultIn,
  isWithoutData,
  MAX_MESSAGE_BYTES,
  MessageGroup,
  NotDecoded,
  opened,
  readMessages,
  readOwn,
  severityOf,
  type AlertMessage,
  type Envelope,
  type ParsedMessage,
  Turns,
} from '@tocsin/messages';
import { firstErrors, isTenantId, Refused, type InputError, type MessageErrorCode } from '@tocsin/contracts';
import { decodeInSlices } from './sliced-json';

/** The most messages of one list. A group from another system has no such limit: its sender cannot split it. */
export const MAX_BATCH = 500;

/** The parts of a request that describe its messages. */
export interface PublishRequest {
  body: Buffer;
  headers: Readonly<Record<string, unknown>>;
  query: Readonly<Record<string, unknown>>;
}

/** Messages in our own format, all of them valid, or another system's webhook, whose parts are judged one by one. */
export type ReadEvents =
  { messages: AlertMessage[]; replaced: number } | { group: MessageGroup; drops_severity_none: boolean };

/**
 * Reads the messages of a request: one, a list of up to 500, or the contents of another system's webhook. It is strict,
 * since a sender over HTTP reads the response: one invalid message refuses the whole request. A webhook is the
 * exception: its sender corrects nothing, and one invalid alert must not suppress the others of its group.
 */
export async function readEvents({ body, headers, query }: PublishRequest, maxBytes: number): Promise<ReadEvents> {
  const turns = new Turns();
  const { drops_severity_none, ...defaults } = defaultsIn(query);
  const envelope = { headers, ...defaults, publishes_at_most: maxBytes, tells_key: true };
  const decoded = isWithoutData(body, headers)
    ? { value: undefined, escapes: false }
    : await decodeInSlices(body, MAX_BATCH, turns);
  // A longer one is a list, a group or an event. Opened, it could hold as many values as its bytes have room for.
  const isLong = body.length > MAX_MESSAGE_BYTES;
  const { value, escapes, at } = isLong ? { ...decoded, at: '' } : opened(decoded.value, decoded.escapes);
  const group = MessageGroup.of(value, envelope, body, escapes);
  // With a CloudEvent in binary mode the list is the data of one message.
  if (Array.isArray(value) && !group)
    return { messages: await readList(value, envelope, escapes, maxBytes, turns), replaced: 0 };
  // Another system's webhook may be longer: its parts are measured when they are published, and shortened to fit.
  if (group?.shape.webhook) return { group, drops_severity_none };
  const parsed =
    body.length > maxBytes
      ? tooLarge(maxBytes)
      : (group?.read(0, 'strict') ?? readOwn(value, envelope, 'strict', body, escapes));
  return { messages: accepted([below(at, parsed)]), replaced: group?.replaced ?? 0 };
}

async function readList(
  values: readonly unknown[],
  envelope: Envelope,
  escapes: boolean,
  maxBytes: number,
  turns: Turns,
): Promise<AlertMessage[]> {
  if (values.length === 0) {
    // A batch of CloudEvents may be empty; any other empty list is a mistake.
    if (/^application\/cloudevents-batch/i.test(String(envelope.headers?.['content-type']))) return [];
    throw new Refused('empty_batch', 'The list holds no message.');
  }
  checkCount(values.length);
  const parsed: ParsedMessage[] = [];
  for (const [index, value] of values.entries()) {
    parsed.push(...readElement(value, envelope, escapes, maxBytes).map((message) => below(`/${index}`, message)));
    if (turns.over) await turns.next();
  }
  checkCount(parsed.length);
  return accepted(parsed);
}

function readElement(value: unknown, envelope: Envelope, escapes: boolean, maxBytes: number): ParsedMessage[] {
  if (value instanceof NotDecoded) return [tooLarge(maxBytes)];
  const fault = faultIn(value, escapes);
  if (fault) return [refused(fault)];
  const bytes = Buffer.from(JSON.stringify(value));
  return bytes.length > maxBytes
    ? [tooLarge(maxBytes)]
    : readMessages(value, envelope, 'strict', bytes, false).messages;
}

/** The messages, if all are valid. Throws `Refused` with the errors otherwise. */
function accepted(parsed: readonly ParsedMessage[]): AlertMessage[] {
  const refused = parsed.filter((message) => !message.ok);
  if (!refused[0]) return parsed.flatMap((message) => (message.ok ? [message.message] : []));
  const found = firstErrors(refused);
  throw new Refused(
    refused[0].code,
    parsed.length === 1 ? found.errors[0]!.detail : 'Some messages are not valid; none was published.',
    found,
  );
}

/** The refusal of a webhook of which nothing can be published. */
export function refusalOf(code: InputError['code'], errors: readonly InputError[]): Refused {
  return new Refused(code, errors[0]!.detail, { errors });
}

/** Values for messages that lack a field, for senders whose messages cannot be changed. */
type Defaults = Pick<Envelope, 'tenant_id' | 'service' | 'severity' | 'severity_none'> & {
  drops_severity_none: boolean;
};

/**
 * Reads the defaults from `?tenant=`, `?service=`, `?severity=` and `?severity_none=`, or from the same names in a
 * path. Throws `Refused` (`invalid_parameter`).
 */
export function defaultsIn(query: PublishRequest['query']): Defaults {
  const { tenant, service, severity, severity_none } = query;
  const errors: InputError[] = [];
  const invalid = (parameter: string, detail: string) =>
    void errors.push({ parameter, code: 'invalid_parameter', detail });
  if (tenant !== undefined && !isTenantId(tenant)) invalid('tenant', 'Must be a tenant id.');
  if (service !== undefined && !(typeof service === 'string' && /^[A-Za-z0-9._-]{1,64}$/.test(service)))
    invalid('service', 'Must be 1 to 64 of A-Z a-z 0-9 . _ -');
  if (severity !== undefined && !severityOf(severity)) invalid('severity', 'Must be urgent, high, medium or low.');
  if (severity_none !== undefined && severity_none !== 'drop' && !severityOf(severity_none))
    invalid('severity_none', 'Must be urgent, high, medium, low or drop.');
  if (errors.length > 0) throw new Refused('invalid_parameter', 'A parameter is not valid.', { errors });
  return {
    tenant_id: tenant as string | undefined,
    service: service as string | undefined,
    severity: severityOf(severity),
    severity_none: severityOf(severity_none),
    drops_severity_none: severity_none === 'drop',
  };
}

function checkCount(count: number): void {
  if (count > MAX_BATCH) throw new Refused('batch_too_large', `At most ${MAX_BATCH} messages are accepted at once.`);
}

const tooLarge = (maxBytes: number): ParsedMessage =>
  refused({ code: 'message_too_large', detail: `A message may be at most ${maxBytes} bytes.` });

const refused = ({ code, detail }: { code: MessageErrorCode; detail: string }): ParsedMessage => ({
  ok: false,
  code,
  errors: [{ code, detail }],
  tenant_id: null,
});
