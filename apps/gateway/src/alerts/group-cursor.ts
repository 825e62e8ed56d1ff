import { Refused, SEVERITIES } from '@tocsin/contracts';
import { isStorable } from '@tocsin/messages';
import type { AlertGroupPlace } from '@tocsin/contracts/ports';
import { placeParts, timeIn } from './page-cursor';

// The cursor of a page of groups, beside that of a list: opaque, not signed, with a digest of the search.

export const formatGroupPlace = ({ severity, at, key }: AlertGroupPlace, digest: string): string =>
  Buffer.from(JSON.stringify([digest, SEVERITIES.indexOf(severity), Date.parse(at), key])).toString('base64url');

/** Throws `Refused` (`invalid_cursor`) when the text is not a cursor of groups, or is one of other groups. */
export function parseGroupPlace(text: string, digest: string): AlertGroupPlace {
  const [of, rank, time, key] = placeParts(text) ?? [];
  const severity = SEVERITIES.find((_, index) => index === rank);
  const at = timeIn(time);
  const isKey = key === null || (typeof key === 'string' && isStorable(key));
  if (typeof of !== 'string' || !severity || !at || !isKey)
    throw new Refused('invalid_cursor', 'This is not a `next` of groups.');
  if (of !== digest)
    throw new Refused('invalid_cursor', 'This is the `next` of other groups: repeat their filters and order.');
  return { severity, at, key };
}
