import {
  below,
  faultIn,
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

/** Messages of one list. A group that another system sends has no such bound: its sender cannot send it in parts. */
export const MAX_BATCH = 500;

/** What of a request says something about the messages in it. */
export interface PublishRequest {
  body: Buffer;
  headers: Readonly<Record<string, unknown>>;
  query: Readonly<Record<string, unknown>>;
}

/** Messages of ours, all of them valid, or what another system's webhook sent, whose parts are judged one by one. */
export type ReadEvents =
  { messages: AlertMessage[]; replaced: number } | { group: MessageGroup; drops_severity_none: boolean };

/**
 * The messages of a request: one, a list of up to 500, or what a webhook of another system holds. Strict, since a sender over
 * HTTP reads the answer: nothing is published unless everything is valid. Only a webhook's sender corrects nothing, and one
 * bad alert of its group must not silence the others.
 */
export async function readEvents({ body, headers, query }: PublishRequest, maxBytes: number): Promise<ReadEvents> {
  const turns = new Turns();
  const { drops_severity_none, ...envelope } = { headers, ...defaultsIn(query), publishes_at_most: maxBytes };
  const decoded = await decodeInSlices(body, MAX_BATCH, turns);
  const { value, escapes, at } = opened(decoded.value, decoded.escapes);
  const group = MessageGroup.of(value, envelope, body, escapes);
  // of a CloudEvent in binary mode the list is the data
  if (Array.isArray(value) && !group)
    return { messages: await readList(value, envelope, escapes, maxBytes, turns), replaced: 0 };
  // however large: its parts are measured as they are published, and shortened until they fit
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
    // of CloudEvents a batch may be empty; elsewhere it is a mistake
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

/** All of them. Throws `Refused` with what is wrong when one is not valid. */
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

/** What is wrong with a webhook of which nothing can be published. */
export function refusalOf(code: InputError['code'], errors: readonly InputError[]): Refused {
  return new Refused(code, errors[0]!.detail, { errors });
}

/** What holds where a message does not say it, for senders whose messages cannot be made to. */
type Defaults = Pick<Envelope, 'tenant_id' | 'service' | 'severity' | 'severity_none'> & {
  drops_severity_none: boolean;
};

/** Of `?tenant=`, `?service=`, `?severity=` and `?severity_none=`, or of the same in a path. Throws `Refused` (`invalid_parameter`). */
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
