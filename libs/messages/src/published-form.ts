import type { AlertMessageBody, ValidMessage } from '@tocsin/contracts';

/** A message without what it does not say. Its severity stays, because whatever carries it has to know the lane. */
export function asSaid(message: ValidMessage): AlertMessageBody {
  const { assumed = [], ...said } = message;
  for (const name of assumed) if (name !== 'severity') delete (said as Partial<AlertMessageBody>)[name];
  return said;
}

const forms = new WeakMap<ValidMessage, Buffer>();

/**
 * A message as it goes onto the queue: what the door measures, what is published, and what it is known by behind the queue.
 * It is written once, so a message is not changed afterwards.
 */
export function publishedForm(message: ValidMessage): Buffer {
  let form = forms.get(message);
  if (!form) forms.set(message, (form = Buffer.from(JSON.stringify(asSaid(message)))));
  return form;
}

/** How long the texts of a message's metadata may be, one after the other, until the message fits. Characters. */
const LENGTHS = [8_000, 2_000, 500, 100];
/** Where a message's metadata says which of its texts were cut. */
const SAYS_SO = 'shortened';

/**
 * Cuts the long texts of a message's metadata until its published form has at most `most` bytes, and names there what was cut,
 * as JSON pointers. Whether it fits then: the fields that have limits of their own are left alone.
 */
export function shortenToFit(message: ValidMessage, most: number): boolean {
  const { metadata } = message;
  for (const length of LENGTHS) {
    if (publishedForm(message).length <= most) return true;
    forms.delete(message);
    const cut: string[] = [];
    message.metadata = shortened(metadata, length, '', cut) as Record<string, unknown>;
    if (cut.length === 0) message.metadata = metadata;
    else
      message.metadata[SAYS_SO] =
        cut.length > MOST_NAMED ? [...cut.slice(0, MOST_NAMED), `and ${cut.length - MOST_NAMED} more`] : cut;
  }
  return publishedForm(message).length <= most;
}

const MOST_NAMED = 20;

function shortened(value: unknown, length: number, at: string, cut: string[]): unknown {
  if (typeof value === 'string') {
    if (value.length <= length) return value;
    cut.push(at);
    return `${value.slice(0, length - 1).toWellFormed()}…`;
  }
  if (typeof value !== 'object' || value === null) return value;
  const pointer = (name: string | number) =>
    `${at}/${String(name).replaceAll('~', '~0').replaceAll('/', '~1').slice(0, 100).toWellFormed()}`;
  if (Array.isArray(value)) return value.map((child, index) => shortened(child, length, pointer(index), cut));
  return Object.fromEntries(
    Object.entries(value).map(([name, child]) => [name, shortened(child, length, pointer(name), cut)]),
  );
}
