import type { Hint, StreamFilter } from '@tocsin/contracts';
import { asksForWords, passes, type FilterWords } from '@tocsin/contracts';
import { topicDataOf } from './topic-data';

/** The most views that are kept for sharing. Beyond it the cache is cleared. */
const MAX_VIEWS = 1_000;

/**
 * How entries are written: with their event names, without (`?event=message`), or as the `message` events of a topic,
 * which hold only what was published to it.
 */
export type EntryForm = 'named' | 'nameless' | 'topic';

/** Which entries a stream wants, and in which form. Streams that want the same share one view. */
export interface View {
  readonly form: EntryForm;
  readonly passes: (hint: Hint) => boolean;
}

const views = new Map<string, View>();

/**
 * The view of a filter. Equal arguments give the same object, so that frames are built once for all streams that share
 * it.
 */
export function viewOf(filter: StreamFilter, form: EntryForm): View {
  const { severity, type, service, name = null, labels } = filter;
  const key = JSON.stringify([severity, type, service, name, labels, form]);
  const known = views.get(key);
  if (known) return known;
  const byFields: View['passes'] = (severity ?? type ?? service) ? (hint) => passes(filter, hint.filter) : () => true;
  // The data of an entry is parsed only when the hint's other fields do not decide.
  const byWords: View['passes'] = asksForWords(filter)
    ? (hint) => byFields(hint) && passes(filter, hint.filter, wordsOf(hint))
    : byFields;
  const view: View = {
    form,
    passes: form === 'topic' ? (hint) => byWords(hint) && topicDataOf(hint) !== undefined : byWords,
  };
  if (views.size >= MAX_VIEWS) views.clear();
  views.set(key, view);
  return view;
}

const wordsRead = new WeakMap<Hint, FilterWords>();

/**
 * An entry's current and previous name and labels, parsed from its data: once for all streams, and only when a stream
 * asks.
 */
function wordsOf(hint: Hint): FilterWords {
  let words = wordsRead.get(hint);
  if (!words) {
    const { name, labels, previous } = JSON.parse(hint.data!.toString()) as FilterWords;
    words = { name, labels, previous };
    wordsRead.set(hint, words);
  }
  return words;
}
