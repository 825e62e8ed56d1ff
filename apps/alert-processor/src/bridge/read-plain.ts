import { CHANGES, type DeadLetter, type DeadLetterReason, type TenantId, type ValidMessage } from '@tocsin/contracts';
import type { PlainMessage } from '@tocsin/contracts/ports';
import { MAX_MESSAGE_BYTES, parseMessages, type ParsedMessage } from '@tocsin/messages';
import { inWords, letterOf } from '../read-message';

/** What a plain message holds. */
export interface ReadPlain {
  messages: ValidMessage[];
  letters: DeadLetter[];
  /** How many characters could not be stored and were replaced. */
  replaced: number;
}

/**
 * Reads a plain message as one from the queue is read: leniently, in every accepted format. The topic names the tenant,
 * and `service` is that of messages without one. A message for another tenant than the topic's becomes a dead letter: a
 * program that may publish for one tenant must not publish for all. Undefined when it is an entry of a log of Tocsin,
 * which never becomes a message again: two programs that pass on what they hear would do so for ever. Never throws.
 */
export function readPlain({ tenant_id, body }: PlainMessage, service?: string): ReadPlain | undefined {
  if (isEntry(body)) return undefined;
  const envelope = { tenant_id, service, publishes_at_most: MAX_MESSAGE_BYTES };
  const { messages: parsed, replaced } = parseMessages(body, envelope, 'lenient');
  const read: ReadPlain = { messages: [], letters: [], replaced };
  for (const one of parsed) {
    const tenant = one.ok ? one.message.tenant_id : (one.tenant_id ?? tenant_id);
    // the users of the topic's tenant do not see what was meant for another one
    if (tenant !== tenant_id) read.letters.push(refused(one, body, 'tenant_forbidden', topicIsOf(tenant_id), null));
    else if (one.ok) read.messages.push(one.message);
    else read.letters.push(refused(one, body, one.code, one.errors.map(inWords).join(' '), tenant_id));
  }
  return read;
}

const topicIsOf = (tenant: TenantId): string => `The message was published on the topic of the tenant ${tenant}.`;

function refused(
  parsed: ParsedMessage,
  body: Buffer,
  reason: DeadLetterReason,
  detail: string,
  tenant: TenantId | null,
): DeadLetter {
  const bytes = parsed.ok || !parsed.bytes ? body : Buffer.from(parsed.bytes);
  return letterOf({ body: bytes, redelivered: false }, reason, detail, tenant);
}

/** The largest message becomes an entry that is a few times as large, because of escaped text. */
const MOST_ENTRY_BYTES = 16 * MAX_MESSAGE_BYTES;

/**
 * Whether this is an entry as `renderData` writes it, by whichever installation. Producers do not know these fields.
 */
function isEntry(body: Buffer): boolean {
  if (body.length > MOST_ENTRY_BYTES || !body.includes('"alert_id"')) return false;
  try {
    const { tenant_id, seq, alert_id, change } = JSON.parse(body.toString()) as Record<string, unknown>;
    return (
      typeof tenant_id === 'string' &&
      Number.isSafeInteger(seq) &&
      typeof alert_id === 'string' &&
      CHANGES.some((one) => one === change)
    );
  } catch {
    return false;
  }
}
