import {
  decodeInSlices, firstErrors, isTenantId, readMessages, Refused, severityOf, Turns,
  type AlertMessage, type Envelope, type FoundErrors, type InputError, type MessageErrorCode, type ParsedMessage, type ReadBody,
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
 * that one bad alert of a group must not silence the others. A large body is read in slices, so that the others who are
 * served meanwhile do not notice.
 */
export async function readEvents({ body, headers, query }: PublishRequest, maxBytes: number): Promise<ReadEvents> {
  const envelope: Envelope = { headers, ...defaultsIn(query) };
  const decoded = await decodeInSlices(body, MAX_BATCH);
  if (!decoded.ok) throw new Refused(decoded.code, decoded.detail);
  if (!Array.isArray(decoded.value)) return readOne(decoded.value, envelope, body, maxBytes);
  if (decoded.value.length === 0) throw new Refused('empty_batch', 'The list holds no message.');
  const parsed = await readList(decoded.value, envelope, maxBytes);
  checkCount(parsed.length);
  const first = parsed.find((message) => !message.ok);
  if (first && !first.ok) throw new Refused(first.code, 'Some messages are not valid; none was published.', errorsOf(parsed));
  return { messages: accepted(parsed) };
}

async function readList(values: readonly unknown[], envelope: Envelope, maxBytes: number): Promise<ParsedMessage[]> {
  const turns = new Turns();
  const parsed: ParsedMessage[] = [];
  for (const [index, value] of values.entries()) {
    if (turns.over) await turns.next();
    const bytes = Buffer.from(JSON.stringify(value));
    const { messages } = bytes.length > maxBytes ? tooLarge(maxBytes) : readMessages(value, envelope, 'strict', bytes);
    for (const message of messages) parsed.push(below(`/${index}`, message));
  }
  return parsed;
}

async function readOne(value: unknown, envelope: Envelope, body: Buffer, maxBytes: number): Promise<ReadEvents> {
  const read = await readWhole(value, envelope, body, maxBytes);
  // a group of alerts may be larger than each of them
  const { messages, webhook } = read.messages.length === 1 && body.length > maxBytes ? tooLarge(maxBytes) : read;
  checkCount(messages.length);
  const first = messages.find((message) => !message.ok);
  if (!first || first.ok) return { messages: accepted(messages) };
  const good = webhook ? accepted(messages) : [];
  if (good.length === 0) throw new Refused(first.code, first.errors[0]!.detail, errorsOf(messages));
  return { messages: good, refusal: new Refused(first.code, `${good.length} of ${messages.length} alerts were published; the others are not valid.`, errorsOf(messages)) };
}

/** Alerts of a group that are read at a time: as many as this holds, and at most so many. */
const GROUP_SLICE_BYTES = 65_536;
const GROUP_SLICE = 50;

/** One message, whose size is looked at first, or a group of alerts, a few at a time as groups of their own. */
async function readWhole(value: unknown, envelope: Envelope, body: Buffer, maxBytes: number): Promise<ReadBody> {
  const alerts = alertsOf(value);
  if (alerts) checkCount(alerts.length);
  else if (body.length > maxBytes) return tooLarge(maxBytes);
  if (!alerts || alerts.length < 4) return readMessages(value, envelope, 'strict', body);
  const turns = new Turns();
  const slice = Math.max(2, Math.min(GROUP_SLICE, Math.floor((GROUP_SLICE_BYTES * alerts.length) / body.length)));
  const messages: ParsedMessage[] = [];
  let read: ReadBody | undefined;
  for (let from = 0; from < alerts.length; ) {
    if (turns.over) await turns.next();
    // none of them alone: a group of one stands for the whole body
    const to = alerts.length - from - slice > 1 ? from + slice : alerts.length;
    read = readMessages({ ...(value as object), alerts: alerts.slice(from, to) }, envelope, 'strict', body);
    if (!read.webhook) return readMessages(value, envelope, 'strict', body);
    for (const message of read.messages) messages.push(movedBy(from, message));
    from = to;
  }
  return { ...read!, messages };
}

function alertsOf(value: unknown): readonly unknown[] | undefined {
  const alerts = typeof value === 'object' && value !== null ? (value as { alerts?: unknown }).alerts : undefined;
  return Array.isArray(alerts) ? alerts : undefined;
}

/** What was found in a slice of a group points into the group. */
const movedBy = (from: number, parsed: ParsedMessage): ParsedMessage =>
  parsed.ok ? parsed : { ...parsed, errors: parsed.errors.map((error) => ({ ...error, pointer: error.pointer?.replace(/^\/alerts\/(\d+)/, (_, index) => `/alerts/${from + Number(index)}`) })) };

const errorsOf = (messages: readonly ParsedMessage[]): FoundErrors => firstErrors(messages.flatMap((message) => (message.ok ? [] : [message])));

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
