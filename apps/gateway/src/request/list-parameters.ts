import { didYouMean, isStorable } from '@tocsin/messages';
import { badParameter } from './entry-filter';

/** The most alerts or entries of one page, and how many there are when nobody says. */
export const MAX_PAGE = 200;
export const DEFAULT_PAGE = 50;

/**
 * The query of a list. Strict, since whoever asks for a list reads the answer: a parameter that nobody knows would be a
 * condition that nobody keeps. `label.<key>` is known where labels are. Throws `Refused` (`invalid_parameter`).
 */
export function readParameters(
  url: string | undefined,
  known: readonly string[],
  { labels = false } = {},
): URLSearchParams {
  const query = new URL(url ?? '/', 'http://localhost').searchParams;
  const names = [...known, ...(labels ? ['label.<key>'] : [])];
  for (const [name, value] of query) {
    if (!isStorable(name + value)) badParameter(name, 'It holds control characters.');
    if (known.includes(name) || (labels && name.startsWith('label.'))) continue;
    badParameter(
      name,
      names.length > 0
        ? `Unknown parameter.${didYouMean(name, names)} There are ${names.join(', ')}.`
        : 'Unknown parameter. There is none.',
    );
  }
  return query;
}

/** A parameter's only value; undefined when it is not there, or empty as a form leaves it. */
export function single(query: URLSearchParams, name: string): string | undefined {
  const values = query.getAll(name);
  if (values.length > 1) badParameter(name, 'It can be given once.');
  return values[0] || undefined;
}

export function readLimit(query: URLSearchParams): number {
  const limit = single(query, 'limit') ?? String(DEFAULT_PAGE);
  if (!/^\d{1,4}$/.test(limit) || Number(limit) < 1 || Number(limit) > MAX_PAGE)
    badParameter('limit', `1 to ${MAX_PAGE} can be asked for.`);
  return Number(limit);
}
