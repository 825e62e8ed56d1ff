import type { InputError } from '@tocsin/contracts';
import { partIdOf } from './message-id';
import type { Envelope, ParsedMessage } from './parsed-message';
import type { ReadBody } from './read-messages';
import { below, unreadable, type Refusal } from './refusals';

/**
 * How many refused messages of one list become dead letters of their own. More of them are put together, by reason and
 * tenant.
 */
const LETTERS_OF_A_LIST = 20;

type ReadOne = (value: unknown, envelope: Envelope, bytes: Uint8Array) => ReadBody;

const nothing = (detail: string): ReadBody => ({
  messages: [unreadable({ ok: false, code: 'invalid_json', detail })],
  webhook: false,
  replaced: 0,
});
const noList = nothing('A message must be a JSON object, and not a list within a list.');

/** Reads a batch, each of its messages alone, under the transport's id and its position. */
export function readList(values: readonly unknown[], envelope: Envelope, read: ReadOne): ReadBody {
  if (values.length === 0) {
    if (/^application\/cloudevents-batch/i.test(envelope.content_type ?? ''))
      return { messages: [], webhook: false, replaced: 0 };
    return nothing('The list holds no message.');
  }
  const seen = new Set<string>();
  let replaced = 0;
  const messages = values.flatMap((value, index) => {
    const json = Array.isArray(value) ? '[]' : JSON.stringify(value);
    const message_id = partIdOf(envelope.message_id, index);
    // two equal messages of a list are two messages
    const bytes = Buffer.from(seen.has(json) ? `${index} ${json}` : json);
    seen.add(json);
    const of = Array.isArray(value) ? noList : read(value, { ...envelope, message_id }, bytes);
    replaced += of.replaced;
    // the bytes as they came; for a message within a group, only the refused part
    const bytesOf = (message: Refusal) =>
      of.messages.length > 1 && message.bytes ? message.bytes : Buffer.from(JSON.stringify(value));
    return of.messages.map((message) =>
      message.ok ? message : { ...below(`/${index}`, message), bytes: bytesOf(message) },
    );
  });
  return { messages: together(messages), webhook: false, replaced };
}

/**
 * Puts refused messages together, so that a list with thousands of bad messages does not become thousands of letters.
 */
function together(messages: ParsedMessage[]): ParsedMessage[] {
  const refused = messages.filter((message) => !message.ok);
  if (refused.length <= LETTERS_OF_A_LIST) return messages;
  const kinds = new Map<string, Refusal[]>();
  for (const one of refused) {
    const kind = `${one.code} ${one.tenant_id}`;
    const known = kinds.get(kind);
    if (known) known.push(one);
    else kinds.set(kind, [one]);
  }
  const merged = [...kinds.values()].map((of): Refusal => {
    const bytes = Buffer.from(`[${of.map((one) => Buffer.from(one.bytes!).toString()).join(',')}]`);
    const rest: InputError[] =
      of.length > LETTERS_OF_A_LIST
        ? [{ code: of[0]!.code, detail: `And ${of.length - LETTERS_OF_A_LIST} more.` }]
        : [];
    return {
      ...of[0]!,
      errors: [...of.slice(0, LETTERS_OF_A_LIST).flatMap(({ errors }) => errors.slice(0, 1)), ...rest],
      bytes,
    };
  });
  return [...messages.filter((message) => message.ok), ...merged];
}
