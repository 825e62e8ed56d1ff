import { distance } from 'fastest-levenshtein';
import { ALERT_STATUSES, ALERT_TYPES, SEVERITIES } from '@tocsin/contracts/wire';

/** What may stand before the colon of a term, with the values that it takes; null: any value. */
export const KEYS = {
  severity: SEVERITIES,
  service: null,
  tenant: null,
  type: ALERT_TYPES,
  status: ALERT_STATUSES,
  is: ['open', ...ALERT_STATUSES],
  name: null,
  assignee: null,
  before: null,
  after: null,
} as const satisfies Record<string, readonly string[] | null>;
type Key = keyof typeof KEYS;

/** The keys whose values a `-` excludes. */
export const FACETS = ['severity', 'service', 'tenant', 'type'] as const;
export type Facet = (typeof FACETS)[number];

/** One term of the search field: an optional `-`, an optional `key:`, and a value that may be in quotes. */
export interface Term {
  /** As it stands in the text, and where. */
  text: string;
  at: number;
  excluded: boolean;
  /** In lower case, but for the name of a label, which stands here without its quotes; null: a word. */
  key: string | null;
  value: string;
  isQuoted: boolean;
}

/**
 * A term that cannot be what its author meant. Such a term takes no part in the search, and the page says why: a search
 * for its letters would find nothing, and would not tell why.
 */
export interface Mistake {
  term: Term;
  kind: 'value' | 'time' | 'exclusion' | 'nothing' | 'key' | 'operator' | 'unfinished';
  /** The term that its author may have meant; null: there is no near one. */
  instead: string | null;
}

/** A label whose name has blanks, colons or quotes has it in quotes. */
const LABEL_KEY = String.raw`label\.(?:"(?:[^"\\]|\\.)*"|[^\s:"]+)`;
const OPEN_LABEL = String.raw`label\."(?:[^"\\]|\\.)*"?`;
const TERM = new RegExp(
  String.raw`(-?)(?:(${LABEL_KEY}|[a-z]+):)?(?:"((?:[^"\\]|\\.)*)"?|(${OPEN_LABEL}:?|[^\s"]\S*))`,
  'gisu',
);
/** A key without a value: the last term while its author is typing. */
const UNFINISHED = new RegExp(String.raw`^-?(?:(${LABEL_KEY}|[a-z]+):|${OPEN_LABEL})$`, 'isu');
/** What a `-` leaves out when it is before a word. Before a number it is a sign, and alone it is a dash. */
const LETTER = /^\p{L}/u;
/** From this number of different letters on, a word is not taken for a misspelt one. */
const FAR = 3;

export function termsOf(text: string): Term[] {
  return [...text.matchAll(TERM)].map((found) => {
    const [term, minus, rawKey, quoted, bare] = found;
    return {
      text: term,
      at: found.index,
      excluded: minus === '-',
      key: rawKey === undefined ? null : LABEL.test(rawKey) ? labelKey(rawKey) : rawKey.toLowerCase(),
      value: quoted === undefined ? bare! : unescaped(quoted),
      isQuoted: quoted !== undefined,
    };
  });
}

const LABEL = /^label\./i;
const unescaped = (quoted: string): string => quoted.replace(/\\(.)/gs, '$1');
const labelKey = (raw: string): string => {
  const name = raw.slice('label.'.length);
  return `label.${name.startsWith('"') ? unescaped(name.slice(1, -1)) : name}`;
};

/** The name of the label that a term asks for; null: it asks for none. */
export const labelIn = ({ key }: Term): string | null =>
  key !== null && LABEL.test(key) ? key.slice('label.'.length) : null;

/** The values that a term lists, as `severity:urgent,high` does. */
export function valuesOf({ key, value }: Term): string[] {
  const known = key !== null && isKey(key) && KEYS[key] !== null;
  return value
    .split(',')
    .map((one) => (known ? one.toLowerCase() : one))
    .filter(Boolean);
}

/**
 * What is wrong with a term; null: nothing. A term with a key that resembles no known one is a word, such as `12:30`.
 */
export function mistakeIn(term: Term, before: Term | undefined, after: Term | undefined): Mistake | null {
  const { key, value, excluded, isQuoted, text } = term;
  const mistake = (kind: Mistake['kind'], instead: string | null = null): Mistake => ({ term, kind, instead });
  if (key === null) {
    if (!isQuoted && isUnfinished(text)) return mistake('unfinished');
    if (excluded && (isQuoted || LETTER.test(value))) return mistake('exclusion');
    if (isQuoted) return null;
    // between words it is a word of the text that is searched for
    const joinsTerms = /^(and|or)$/i.test(value) && before && after && (before.key ?? after.key) !== null;
    return joinsTerms ? mistake('operator') : null;
  }
  const label = labelIn(term);
  if (label === '') return mistake('unfinished');
  if (label !== null) return excluded ? mistake('exclusion', text.slice(1)) : null;
  if (!isKey(key)) {
    const near = nearest(key, Object.keys(KEYS));
    if (near !== null) return mistake('key', text.replace(/[a-z]+/i, near));
    return excluded ? mistake('exclusion') : null;
  }
  if (excluded && !(FACETS as readonly string[]).includes(key)) return mistake('exclusion', text.slice(1));
  if (key === 'before' || key === 'after') return timeOf(value, 0) === null ? mistake('time') : null;
  const known: readonly string[] | null = KEYS[key];
  const values = valuesOf(term);
  if (values.length === 0) return mistake('unfinished');
  const wrong = known && values.find((one) => !known.includes(one));
  if (!known || wrong === undefined || wrong === null) return null;
  const near = nearest(wrong, known);
  const corrected = values.map((one) => (one === wrong ? near : one)).join(',');
  return mistake('value', near === null ? null : `${excluded ? '-' : ''}${key}:${corrected}`);
}

/** What is wrong in the text, in its order, except what is only unfinished. */
export const mistakesIn = (text: string): Mistake[] =>
  judged(text).flatMap(({ mistake }) => (mistake && mistake.kind !== 'unfinished' ? [mistake] : []));

/** The terms of a text with what is wrong with each. */
export function judged(text: string): Judged[] {
  const terms = termsOf(text);
  const each = terms.map((term, at) => ({ term, mistake: mistakeIn(term, terms[at - 1], terms[at + 1]) }));
  for (const key of ['severity', 'type'] as const) refuseLast(each, key);
  return each;
}

interface Judged {
  term: Term;
  mistake: Mistake | null;
}

/**
 * Makes a mistake of each exclusion after which none of the key's values would be left: an empty list of values is no
 * condition, so the search would find everything.
 */
function refuseLast(each: readonly Judged[], key: 'severity' | 'type'): void {
  const those = each.filter(({ term, mistake }) => mistake === null && term.key === key);
  const chosen = those.flatMap(({ term }) => (term.excluded ? [] : valuesOf(term)));
  let left: readonly string[] = chosen.length > 0 ? chosen : KEYS[key];
  for (const one of those) {
    if (!one.term.excluded) continue;
    const values = valuesOf(one.term);
    const rest = left.filter((value) => !values.includes(value));
    if (rest.length > 0) left = rest;
    else one.mistake = { term: one.term, kind: 'nothing', instead: null };
  }
}

/** The text with what its author may have meant, or without the term where nothing is near. */
export function corrected(text: string, { term, instead }: Mistake): string {
  const rest = text.slice(term.at + term.text.length);
  return `${text.slice(0, term.at)}${instead ?? ''}${instead ? rest : rest.trimStart()}`.trim();
}

/** Whether the last term is the beginning of one: a search for it now would show other alerts than its author wants. */
export function isHalfTyped(text: string): boolean {
  if (/\s$/.test(text)) return false;
  const last = judged(text).at(-1);
  if (!last) return false;
  if (last.term.key === null && !last.term.isQuoted && LABEL.test(last.term.value)) return true;
  if (!last.mistake) return false;
  const { kind, term } = last.mistake;
  if (kind === 'unfinished') return true;
  if (kind === 'exclusion')
    return term.key === null && !term.isQuoted && FACETS.some((key) => key.startsWith(term.value.toLowerCase()));
  if (kind === 'time') return /^\d{1,4}$/.test(term.value) || /^\d{4}-[\d-]*$/.test(term.value);
  if (kind !== 'value') return false;
  const typed = valuesOf(term).at(-1)!;
  return (KEYS[term.key as Key] ?? []).some((one: string) => one.startsWith(typed));
}

function isUnfinished(text: string): boolean {
  const found = UNFINISHED.exec(text);
  const key = found?.[1]?.toLowerCase();
  return found !== null && (key === undefined || isKey(key) || LABEL.test(key));
}

const isKey = (key: string): key is Key => Object.hasOwn(KEYS, key);

function nearest(word: string, known: readonly string[]): string | null {
  if (word.length > 20) return null;
  const [best] = known.map((one) => ({ one, far: distance(word.toLowerCase(), one) })).sort((a, b) => a.far - b.far);
  // a short word is near to everything
  return best && best.far < Math.min(FAR, word.length) ? best.one : null;
}

const SPAN = /^(\d{1,4})(m|h|d|w)$/i;
const SPAN_MS = { m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 } as const;

/** The time of a span before `now` or of an ISO time, in milliseconds; null when `value` is neither. */
export function timeOf(value: string, now: number): number | null {
  const span = SPAN.exec(value);
  if (span) return now - Number(span[1]) * SPAN_MS[span[2]!.toLowerCase() as keyof typeof SPAN_MS];
  const time = /^\d{4}-\d\d-\d\d/.test(value) ? Date.parse(value) : Number.NaN;
  return Number.isNaN(time) ? null : time;
}
