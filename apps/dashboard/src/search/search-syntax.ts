import {
  ALERT_STATUSES,
  ALERT_TYPES,
  SEVERITIES,
  type Alert,
  type AlertFilter,
  type AlertStatus,
  type AlertType,
  type Severity,
} from '@tocsin/contracts/wire';

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

const FACETS = ['severity', 'service', 'tenant', 'type'] as const;
export type Facet = (typeof FACETS)[number];

const OPEN: readonly AlertStatus[] = ['firing', 'acknowledged', 'snoozed'];
const LISTS = {
  severity: SEVERITIES,
  type: ALERT_TYPES,
  status: ALERT_STATUSES,
  service: null,
  tenant: null,
  name: null,
  assignee: null,
} as const;
type ListKey = keyof typeof LISTS;

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

/** A term: an optional `-`, an optional `key:`, and a value that may be in quotes. */
const TERM = /(-?)(?:(label\.[^\s:"]+|[a-z]+):)?(?:"((?:[^"\\]|\\.)*)"?|([^\s"]+))/giu;

/** Parses a search. A term with an unknown key or value counts as a word, so no text is an error. */
export function parseSearch(text: string): Search {
  const search = noSearch();
  for (const [term, minus, rawKey, quoted, bare] of text.matchAll(TERM)) {
    const value = quoted === undefined ? bare! : quoted.replace(/\\(.)/g, '$1');
    const key = rawKey?.toLowerCase();
    if (!value || !(key && readKeyed(search, key, rawKey!, value, minus === '-'))) {
      const word = quoted !== undefined && !key ? value : term.replaceAll('"', '');
      if (word) search.words.push(word);
    }
  }
  return search;
}

function readKeyed(search: Search, key: string, rawKey: string, value: string, excluded: boolean): boolean {
  if (key.startsWith('label.')) {
    if (excluded) return false;
    search.labels[rawKey.slice('label.'.length)] = value;
    return true;
  }
  if (key === 'is' && !excluded) return readState(search, value.toLowerCase());
  if ((key === 'before' || key === 'after') && !excluded) {
    if (timeOf(value, 0) === null) return false;
    search[key] = value;
    return true;
  }
  if (!Object.hasOwn(LISTS, key)) return false;
  const known: readonly string[] | null = LISTS[key as ListKey];
  const values = value
    .split(',')
    .map((one) => (known ? one.toLowerCase() : one))
    .filter(Boolean);
  if (values.length === 0 || (known && !values.every((one) => known.includes(one)))) return false;
  if (excluded && !isFacet(key)) return false;
  const list: string[] = excluded ? search.not[key as Facet] : search[key as ListKey];
  for (const one of values) if (!list.includes(one)) list.push(one);
  return true;
}

function readState(search: Search, value: string): boolean {
  const meant = value === 'open' ? OPEN : ALERT_STATUSES.filter((status) => status === value);
  for (const status of meant) if (!search.status.includes(status)) search.status.push(status);
  return meant.length > 0;
}

const isFacet = (key: string): key is Facet => (FACETS as readonly string[]).includes(key);

const SPAN = /^(\d{1,4})(m|h|d|w)$/i;
const SPAN_MS = { m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 } as const;

/** The time of a span before `now` or of an ISO time, in milliseconds; null when `value` is neither. */
export function timeOf(value: string, now: number): number | null {
  const span = SPAN.exec(value);
  if (span) return now - Number(span[1]) * SPAN_MS[span[2]!.toLowerCase() as keyof typeof SPAN_MS];
  const time = /^\d{4}-\d\d-\d\d/.test(value) ? Date.parse(value) : Number.NaN;
  return Number.isNaN(time) ? null : time;
}

const quote = (value: string): string => (/[\s":]/.test(value) ? `"${value.replace(/["\\]/g, '\\$&')}"` : value);

/** The text of a search: `parseSearch(formatSearch(x))` is `x`. */
export function formatSearch(search: Search): string {
  const lists = (Object.keys(LISTS) as ListKey[]).filter((key) => key !== 'status');
  const open = OPEN.every((status) => search.status.includes(status));
  return [
    ...(open ? ['is:open'] : []),
    ...search.status.filter((status) => !open || !OPEN.includes(status)).map((status) => `is:${status}`),
    ...lists.flatMap((key) => search[key].map((value) => `${key}:${quote(value)}`)),
    ...FACETS.flatMap((key) => search.not[key].map((value) => `-${key}:${quote(value)}`)),
    ...Object.entries(search.labels).map(([key, value]) => `label.${key}:${quote(value)}`),
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

/**
 * The filter for the server. It leaves out excluded services and tenants, which the server does not support: `matches`
 * applies them.
 */
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
    ...(search.tenant.length > 0 && { tenant: search.tenant }),
    ...(search.status.length > 0 && { status: search.status }),
    ...(search.name.length > 0 && { name: search.name }),
    ...(search.assignee.length > 0 && { assignee: search.assignee }),
    ...(Object.keys(search.labels).length > 0 && { labels: search.labels }),
    ...(from && { from: new Date(from).toISOString() }),
    ...(to && { to: new Date(to).toISOString() }),
    ...(search.words.length > 0 && { q: search.words.join(' ') }),
  };
}

/** Whether an alert matches the search, by the same rules as the server's. `me` is the user's id. */
export function matches(search: Search, alert: Alert, me: string, now: number): boolean {
  const within = (list: readonly string[], value: string) => list.length === 0 || list.includes(value);
  const { not } = search;
  if (!within(search.severity, alert.severity) || not.severity.includes(alert.severity)) return false;
  if (!within(search.service, alert.service) || not.service.includes(alert.service)) return false;
  if (!within(search.tenant, alert.tenant_id) || not.tenant.includes(alert.tenant_id)) return false;
  if (!within(search.type, alert.type) || not.type.includes(alert.type)) return false;
  if (!within(search.status, alert.status) || !within(search.name, alert.name ?? '')) return false;
  if (
    !within(
      search.assignee.map((one) => (one === 'me' ? me : one)),
      alert.assignee ?? 'none',
    )
  )
    return false;
  if (!Object.entries(search.labels).every(([key, value]) => alert.labels[key] === value)) return false;
  const firstSeen = Date.parse(alert.first_seen_at);
  if (search.after && firstSeen < timeOf(search.after, now)!) return false;
  if (search.before && firstSeen >= timeOf(search.before, now)!) return false;
  if (search.words.length === 0) return true;
  const text = `${alert.title}\n${alert.message ?? ''}\n${alert.name ?? ''}`.toLowerCase();
  return search.words.every((word) => text.includes(word.toLowerCase()));
}
