import { ALERT_TYPES, Refused, SEVERITIES, type StreamFilter } from '@tocsin/contracts';
import { isStorable, LABEL_LIMITS } from '@tocsin/messages';

/** `?label.<key>=<value>`. */
const LABEL = 'label.';

/** The filter of entries in a query, for a stream or for the event log. Throws `Refused` (`invalid_parameter`). */
export const readEntryFilter = (query: URLSearchParams): StreamFilter => ({
  severity: oneOf(query, 'severity', SEVERITIES),
  type: oneOf(query, 'type', ALERT_TYPES),
  service: list(query, 'service'),
  name: list(query, 'name'),
  labels: labelsIn(query),
});

/**
 * The values of a parameter, which may be repeated and may hold several separated by commas; null when there are none.
 */
export function list(query: URLSearchParams, name: string): string[] | null {
  const values = query
    .getAll(name)
    .flatMap((value) => value.split(','))
    .map((value) => value.trim())
    .filter(Boolean);
  return values.length > 0 ? values : null;
}

function oneOf(query: URLSearchParams, name: string, known: readonly string[]): string[] | null {
  const values = list(query, name)?.map((value) => value.toLowerCase()) ?? null;
  if (values?.some((value) => !known.includes(value)))
    badParameter(name, `One or more of ${known.join(', ')} are expected.`);
  return values;
}

/**
 * The labels of a filter; null when there are none. A value is taken whole, with its commas. A label given twice is
 * refused, as no entry could pass.
 */
export function labelsIn(query: URLSearchParams): Record<string, string> | null {
  const asked = [...query].filter(([name]) => name.startsWith(LABEL));
  if (asked.length === 0) return null;
  if (asked.length > LABEL_LIMITS.count)
    badParameter(asked[LABEL_LIMITS.count]![0], `At most ${LABEL_LIMITS.count} labels can be asked for.`);
  const labels = new Map<string, string>();
  for (const [name, value] of asked) {
    const key = name.slice(LABEL.length);
    if (key.length < 1 || key.length > LABEL_LIMITS.key)
      badParameter(name, `A label's name has 1 to ${LABEL_LIMITS.key} characters.`);
    if (value.length > LABEL_LIMITS.value)
      badParameter(name, `A label's value has at most ${LABEL_LIMITS.value} characters.`);
    if (!isStorable(key + value)) badParameter(name, 'A label holds no control characters.');
    if (labels.has(key)) badParameter(name, 'A label can be asked for once.');
    labels.set(key, value);
  }
  return Object.fromEntries(labels);
}

/** Refuses a parameter of the query: throws `Refused` (`invalid_parameter`). */
export function badParameter(parameter: string, detail: string): never {
  throw new Refused('invalid_parameter', `${parameter} is not valid.`, {
    errors: [{ parameter, code: 'invalid_parameter', detail }],
  });
}
