import {
  decodeBody, isTenantId, readMessages, Refused, severityOf, type AlertMessage, type Envelope, type InputError, type MessageErrorCode, type ParsedMessage, type ReadBody,
} from '@tocsin/contracts';

/** Messages of one request. */
export const MAX_BATCH = 500;

/** What of a request says something about the messages in it. */
export interface PublishRequest {
  body: Buffer;
  headers: Readonly<Record<string, unknown>>;
  query: Readonly<Record<string, unknown>>;
}

export interface ReadEvents {
  messages: AlertMessage[];
  /** Why others of the same webhook are not among them: those are published, and then this is the answer. */
  refusal?: Refused;
}

/**
 * The messages of a request: one, a list of up to 500, or what a webhook of another system holds. Strict, since whoever
 * sends over HTTP reads the answer: nothing is published unless everything is valid. A webhook's sender reads none, so
 * that one bad alert of a group must not silence the others.
 */
export function readEvents({ body, headers, query }: PublishRequest, maxBytes: number): ReadEvents {
  const envelope: Envelope = { headers, ...defaultsIn(query), publishes_at_most: maxBytes };
  const decoded = decodeBody(body, Number.MAX_SAFE_INTEGER);
  if (!decoded.ok) throw new Refused(decoded.code, decoded.detail);
  if (!Array.isArray(decoded.value)) return readOne(decoded.value, envelope, body, maxBytes);
  if (decoded.value.length === 0) throw new Refused('empty_batch', 'The list holds no message.');
  checkCount(decoded.value.length);
  const parsed = decoded.value.flatMap((value: unknown, index) => {
    const bytes = Buffer.from(JSON.stringify(value));
    const { messages } = bytes.length > maxBytes ? tooLarge(maxBytes) : readMessages(value, envelope, 'strict', bytes);
    return messages.map((message) => below(`/${index}`, message));
  });
  checkCount(parsed.length);
  const errors = parsed.flatMap((message) => (message.ok ? [] : message.errors));
  const first = parsed.find((message) => !message.ok);
  if (first && !first.ok) throw new Refused(first.code, 'Some messages are not valid; none was published.', { errors });
  return { messages: accepted(parsed) };
}

function readOne(value: unknown, envelope: Envelope, body: Buffer, maxBytes: number): ReadEvents {
  const read = readMessages(value, envelope, 'strict', body);
  // a group of alerts may be larger than each of them
  const { messages, webhook } = read.messages.length === 1 && body.length > maxBytes ? tooLarge(maxBytes) : read;
  checkCount(messages.length);
  const first = messages.find((message) => !message.ok);
  if (!first || first.ok) return { messages: accepted(messages) };
  const errors = messages.flatMap((message) => (message.ok ? [] : message.errors));
  const good = webhook ? accepted(messages) : [];
  if (good.length === 0) throw new Refused(first.code, first.errors[0]!.detail, { errors });
  return { messages: good, refusal: new Refused(first.code, `${good.length} of ${messages.length} alerts were published; the others are not valid.`, { errors }) };
}

/** `?tenant=`, `?service=` and `?severity=`: for senders whose messages cannot be made to say it. */
function defaultsIn(query: PublishRequest['query']): Pick<Envelope, 'tenant_id' | 'service' | 'severity'> {
  const { tenant, service, severity } = query;
  const errors: InputError[] = [];
  const invalid = (parameter: string, detail: string) => void errors.push({ parameter, code: 'invalid_parameter', detail });
  if (tenant !== undefined && !isTenantId(tenant)) invalid('tenant', 'Must be a tenant id.');
  if (service !== undefined && !(typeof service === 'string' && /^[A-Za-z0-9._-]{1,64}$/.test(service))) invalid('service', 'Must be 1 to 64 of A-Z a-z 0-9 . _ -');
  if (severity !== undefined && !severityOf(severity)) invalid('severity', 'Must be urgent, high, medium or low.');
  if (errors.length > 0) throw new Refused('invalid_parameter', 'A parameter is not valid.', { errors });
  return { tenant_id: tenant as string | undefined, service: service as string | undefined, severity: severityOf(severity) };
}

function checkCount(count: number): void {
  if (count > MAX_BATCH) throw new Refused('batch_too_large', `At most ${MAX_BATCH} messages are accepted at once.`);
}

const accepted = (messages: readonly ParsedMessage[]): AlertMessage[] => messages.flatMap((parsed) => (parsed.ok ? [parsed.message] : []));

const below = (at: string, parsed: ParsedMessage): ParsedMessage =>
  parsed.ok ? parsed : { ...parsed, errors: parsed.errors.map((error) => ({ ...error, pointer: `${at}${error.pointer ?? ''}` })) };

function tooLarge(maxBytes: number): ReadBody {
  const code: MessageErrorCode = 'message_too_large';
  return { messages: [{ ok: false, code, errors: [{ code, detail: `A message may be at most ${maxBytes} bytes.` }], tenant_id: null }], webhook: false };
}
