import type { AlertMessageBody, ValidMessage } from '@tocsin/contracts';

/**
 * A message without the fields that its producer left out. The severity stays, because the transport has to know the
 * lane.
 */
export function asSaid(message: ValidMessage): AlertMessageBody {
  const { assumed = [], ...said } = message;
  for (const name of assumed) if (name !== 'severity') delete (said as Partial<AlertMessageBody>)[name];
  return said;
}

const forms = new WeakMap<ValidMessage, Buffer>();

/**
 * A message as it is put onto the queue. The intake measures, publishes and later recognises it by these bytes. They
 * are written once, so a message must not be changed afterwards.
 */
export function publishedForm(message: ValidMessage): Buffer {
  let form = forms.get(message);
  if (!form) forms.set(message, (form = Buffer.from(JSON.stringify(asSaid(message)))));
  return form;
}

/**
 * The lengths to which the texts of a message's metadata are cut, one after the other, until the message fits.
 * Characters.
 */
const LENGTHS = [8_000, 2_000, 500, 100];
/** The field of a message's metadata that lists the texts that were cut. */
const SAYS_SO = 'shortened';

/**
 * Cuts the long texts of a message's metadata until its published form has at most `most` bytes, and lists the cut
 * texts there as JSON pointers. Returns whether the message fits then. Fields with limits of their own are not cut.
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
