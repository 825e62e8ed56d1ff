import { Refused } from '@tocsin/contracts';
import type { TimePlace } from '@tocsin/contracts/ports';

// The cursor of lists that are ordered by time: a list returns it as `next` and accepts it as `after`. It is opaque and
// not signed: it can only narrow a list that the caller may see anyway.

export const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
const PLACE = /^(\d{1,15})_([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})$/;
/** From this time on a year has more than four digits. */
const END_OF_TIME = Date.UTC(10_000, 0);

export const formatTimePlace = ({ created_at, id }: TimePlace): string =>
  Buffer.from(`${Date.parse(created_at)}_${id}`).toString('base64url');

/** Throws `Refused` (`invalid_cursor`) when the text is no cursor. */
export function parseTimePlace(text: string): TimePlace {
  const [, time, id] = PLACE.exec(Buffer.from(text.slice(0, 200), 'base64url').toString('latin1')) ?? [];
  if (time === undefined || id === undefined || Number(time) >= END_OF_TIME)
    throw new Refused('invalid_cursor', 'This is not a `next` of a list.');
  return { created_at: new Date(Number(time)).toISOString(), id };
}
