import { ALERT_TYPES, SEVERITIES, type AlertFacets } from '@tocsin/contracts/wire';

const STATES = ['open', 'firing', 'acknowledged', 'snoozed', 'resolved'];
const SPANS = ['1h', '2h', '24h', '7d'];
const KEYS = ['severity:', 'service:', 'tenant:', 'type:', 'is:', 'assignee:', 'name:', 'label.', 'before:', 'after:'];
const MOST = 8;

const quoted = (value: string): string => (/\s/.test(value) ? `"${value}"` : value);

/**
 * Completions of the word that is being typed: keys first, then after a key its values, of services and tenants the
 * most frequent first.
 */
export function suggestionsFor(text: string, facets: AlertFacets | undefined): string[] {
  const word = /\S*$/.exec(text)![0].toLowerCase();
  const colon = word.indexOf(':');
  if (colon < 0) return word.length === 0 ? [] : KEYS.filter((key) => key.startsWith(word) && key !== word);
  const key = word.slice(0, colon).replace(/^-/, '');
  const byCount = (counts: Record<string, number> | undefined) =>
    Object.entries(counts ?? {})
      .sort(([, a], [, b]) => b - a)
      .map(([value]) => value);
  const values: Record<string, readonly string[]> = {
    severity: SEVERITIES,
    type: ALERT_TYPES,
    is: STATES,
    assignee: ['me', 'none'],
    before: SPANS,
    after: SPANS,
    service: byCount(facets?.service),
    tenant: byCount(facets?.tenant),
  };
  return (values[key] ?? [])
    .map((value) => word.slice(0, colon + 1) + quoted(value))
    .filter((one) => one.toLowerCase().startsWith(word) && one.toLowerCase() !== word)
    .slice(0, MOST);
}

/** The suggestion after or before the active one of so many; -1: none, as the text itself is between both ends. */
export const stepped = (active: number, step: 1 | -1, count: number): number =>
  ((active + 1 + step + count + 1) % (count + 1)) - 1;
