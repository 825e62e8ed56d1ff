import { Refused } from '@tocsin/contracts';
import type { HistoryQuery } from '@tocsin/contracts/ports';
import { readLimit, readParameters, single } from '../request/list-parameters';

/** `?limit=&after=`: `after` is the number of the oldest entry of the page before. Throws `Refused`. */
export function readHistoryParameters(url: string | undefined): HistoryQuery {
  const query = readParameters(url, ['limit', 'after']);
  const after = single(query, 'after');
  if (after !== undefined && !/^[1-9]\d{0,14}$/.test(after))
    throw new Refused('invalid_cursor', 'This is no `next` of a history.', {
      errors: [{ parameter: 'after', code: 'invalid_cursor', detail: 'The next of the page before is expected.' }],
    });
  return { before: after === undefined ? null : Number(after), limit: readLimit(query) };
}
