import {
  ALERT_TYPES,
  searchText,
  SEVERITIES,
  type AlertFilter,
  type AlertStatus,
  type AlertType,
  type Severity,
} from '@tocsin/contracts/wire';
import { FACETS, judged, labelIn, timeOf, valuesOf, type Facet, type Term } from './search-terms';

/** The parsed text of the search field. A search is stored only as this text, in the URL. */
export interface Search {
  severity: Severity[];
  service: string[];
  tenant: string[];
  type: AlertType[];
  status: AlertStatus[];
  name: string[];
  /** User ids, `me` or `none`. */
  assignee: string[];
  labels: Record<string, string>;
  /**
   * The alert was first seen before `before` and not before `after`. Each is a span back from now, such as `2h`, or an
   * ISO time.
   */
  before: string | null;
  after: string | null;
  /** Values that a `-` before the term excludes. */
  not: Record<Facet, string[]>;
  /** Free words; an alert must contain all of them. */
  words: string[];
}

const OPEN: readonly AlertStatus[] = ['firing', 'acknowledged', 'snoozed'];
/** The keys with a list of values, in the order in which a search is written. */
const LISTS = ['severity', 'type', 'service', 'tenant', 'name', 'assignee', 'status'] as const;
type ListKey = (typeof LISTS)[number];

const noSearch = (): Search => ({
  severity: [],
  service: [],
  tenant: [],
  type: [],
  status: [],
  name: [],
  assignee: [],
  labels: {},
  before: null,
  after: null,
  not: { severity: [], service: [], tenant: [], type: [] },
  words: [],
});

/**
 * Parses a search. A term that cannot be what its author meant takes no part in it, see `mistakesIn`; a term with a key
 * that resembles no known one is a word. So no text is an error.
 */
export function parseSearch(text: string): Search {
  const search = noSearch();
  for (const { term, mistake } of judged(text)) if (!mistake) add(search, term);
  return search;
}

function add(search: Search, term: Term): void {
  const { key, value, excluded, isQuoted } = term;
  const label = labelIn(term);
  // a new object: a label may have the name `__proto__`
  if (label !== null) search.labels = { ...search.labels, [label]: value };
  else if (key === 'before' || key === 'after') search[key] = value;
  else if (key === 'is')
    addTo(
      search.status,
      valuesOf(term).flatMap((one) => (one === 'open' ? OPEN : [one as AlertStatus])),
    );
  else if (key !== null && isList(key))
    addTo<string>(excluded ? search.not[key as Facet] : search[key], valuesOf(term));
  else {
    // a quote within a word is a letter of it, such as the inches of `19"`
    const word = key !== null ? term.text.replaceAll('"', '') : isQuoted ? value : term.text;
    if (word) search.words.push(word);
  }
}

const isList = (key: string): key is ListKey => (LISTS as readonly string[]).includes(key);

function addTo<T>(list: T[], values: readonly T[]): void {
  for (const one of values) if (!list.includes(one)) list.push(one);
}

const inQuotes = (value: string): string => `"${value.replace(/["\\]/g, '\\$&')}"`;
/** Quotes what would otherwise be read as nothing, two words, a key, an exclusion, or a joining of terms. */
const quote = (value: string): string => (/^$|[\s":]|^-\p{L}|^(and|or)$/iu.test(value) ? inQuotes(value) : value);
const quoteKey = (name: string): string => (/[\s":]/.test(name) ? inQuotes(name) : name);

/** The text of a search: `parseSearch(formatSearch(x))` is `x`. */
export function formatSearch(search: Search): string {
  const lists = LISTS.filter((key) => key !== 'status');
  const open = OPEN.every((status) => search.status.includes(status));
  return [
    ...(open ? ['is:open'] : []),
    ...search.status.filter((status) => !open || !OPEN.includes(status)).map((status) => `is:${status}`),
    ...lists.flatMap((key) => search[key].map((value) => `${key}:${quote(value)}`)),
    ...FACETS.flatMap((key) => search.not[key].map((value) => `-${key}:${quote(value)}`)),
    ...Object.entries(search.labels).map(([key, value]) => `label.${quoteKey(key)}:${quote(value)}`),
    ...(['after', 'before'] as const).flatMap((key) => (search[key] ? [`${key}:${quote(search[key])}`] : [])),
    ...search.words.map(quote),
  ].join(' ');
}

/** The text of the same search with a facet's value chosen (or excluded), or cleared if it was so already. */
export function toggled(text: string, facet: Facet, value: string, excluded = false): string {
  const search = parseSearch(text);
  const chosen: string[] = search[facet];
  const others = (list: string[]) => list.filter((one) => one !== value);
  const was = (excluded ? search.not[facet] : chosen).includes(value);
  const next = { ...search, [facet]: others(chosen), not: { ...search.not, [facet]: others(search.not[facet]) } };
  if (!was && excluded) next.not[facet].push(value);
  if (!was && !excluded) (next[facet] as string[]).push(value);
  return formatSearch(next);
}

/** The filter for the server. Severities and types are few, so that all but the excluded ones are named. */
export function filterOf(search: Search, now: number): AlertFilter {
  const without = <T extends string>(chosen: T[], excluded: string[], all: readonly T[]): T[] =>
    excluded.length === 0 ? chosen : (chosen.length > 0 ? chosen : [...all]).filter((one) => !excluded.includes(one));
  const severity = without(search.severity, search.not.severity, SEVERITIES);
  const type = without(search.type, search.not.type, ALERT_TYPES);
  const from = search.after && timeOf(search.after, now);
  const to = search.before && timeOf(search.before, now);
  return {
    ...(severity.length > 0 && { severity }),
    ...(type.length > 0 && { type }),
    ...(search.service.length > 0 && { service: search.service }),
    ...(search.not.service.length > 0 && { not_service: search.not.service }),
    ...(search.tenant.length > 0 && { tenant: search.tenant }),
    ...(search.not.tenant.length > 0 && { not_tenant: search.not.tenant }),
    ...(search.status.length > 0 && { status: search.status }),
    ...(search.name.length > 0 && { name: search.name }),
    ...(search.assignee.length > 0 && { assignee: search.assignee }),
    ...(Object.keys(search.labels).length > 0 && { labels: search.labels }),
    ...(from && { from: new Date(from).toISOString() }),
    ...(to && { to: new Date(to).toISOString() }),
    ...(search.words.length > 0 && { q: searchText(search.words) }),
  };
}
