import type { Hint, StreamFilter } from '@tocsin/contracts';
import { asksForWords, passes, type FilterWords } from '@tocsin/contracts';

/** Views that are kept to be shared; beyond it the sharing begins anew. */
const MAX_VIEWS = 1_000;

/** How a stream wants its entries: which of them, and with an event name or (`?event=message`) without one. Streams that want the same share one. */
export interface View {
  readonly named: boolean;
  readonly passes: (hint: Hint) => boolean;
}

const views = new Map<string, View>();

/** The view of a filter: the same object for the same wishes, so that what is made for it is made once. */
export function viewOf(filter: StreamFilter, named: boolean): View {
  const { severity, type, service, name = null, labels } = filter;
  const key = JSON.stringify([severity, type, service, name, labels, named]);
  const known = views.get(key);
  if (known) return known;
  const byFields: View['passes'] = (severity ?? type ?? service) ? (hint) => passes(filter, hint.filter) : () => true;
  // an entry is read only where what travels beside it leaves that open
  const view: View = {
    named,
    passes: asksForWords(filter) ? (hint) => byFields(hint) && passes(filter, hint.filter, wordsOf(hint)) : byFields,
  };
  if (views.size >= MAX_VIEWS) views.clear();
  views.set(key, view);
  return view;
}

const wordsRead = new WeakMap<Hint, FilterWords>();

/** An entry's name and labels, now and before, from its data: read once, however many streams ask, and not at all where none does. */
function wordsOf(hint: Hint): FilterWords {
  let words = wordsRead.get(hint);
  if (!words) {
    const { name, labels, previous } = JSON.parse(hint.data!.toString()) as FilterWords;
    words = { name, labels, previous };
    wordsRead.set(hint, words);
  }
  return words;
}
