import { hash } from 'node:crypto';
import { Refused, SEVERITIES, type AlertPlace, type ListOrder } from '@tocsin/contracts';

// A list returns this cursor as `next` and accepts it as `after`. It is opaque and not signed: it can only narrow a
// list that the caller may see anyway. It carries a digest of the search, so that a cursor continues only the list that
// it came from.

/** A group's cursor holds the value of a label: 500 characters, escaped and encoded. */
const BASE64URL = /^[A-Za-z0-9_-]{1,4500}$/;
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
/** From this time on a year has more than four digits. */
const END_OF_TIME = Date.UTC(10_000, 0);

/** Identifies a search: equal searches have equal digests. */
export const digestOf = (question: unknown): string =>
  hash('sha256', JSON.stringify(question), 'base64url').slice(0, 10);

/** The time in it is the one that the order sorts by. */
export const formatPlace = ({ severity, first_seen_at, resolved_at, alert_id }: AlertPlace, digest: string): string =>
  Buffer.from(
    JSON.stringify([digest, SEVERITIES.indexOf(severity), Date.parse(resolved_at ?? first_seen_at), alert_id]),
  ).toString('base64url');

/** Throws `Refused` (`invalid_cursor`) when the text is not a cursor or is a cursor of another search. */
export function parsePlace(text: string, digest: string, order: ListOrder): AlertPlace {
  const parts = partsOf(text);
  if (!parts) throw new Refused('invalid_cursor', 'This is not a `next` of a list.');
  const { of, ...place } = parts;
  if (of !== digest)
    throw new Refused('invalid_cursor', "This is the `next` of another list: repeat that list's filters and order.");
  return order === 'resolved' ? { ...place, resolved_at: place.first_seen_at } : place;
}

/** The four values of a cursor; undefined when the text is none. */
export function placeParts(text: string): unknown[] | undefined {
  if (!BASE64URL.test(text)) return undefined;
  let parts: unknown;
  try {
    parts = JSON.parse(Buffer.from(text, 'base64url').toString());
  } catch {
    return undefined;
  }
  return Array.isArray(parts) && parts.length === 4 ? (parts as unknown[]) : undefined;
}

/** A time of a cursor in ISO 8601; undefined when it is none that the database takes. */
export const timeIn = (time: unknown): string | undefined =>
  Number.isSafeInteger(time) && (time as number) >= 0 && (time as number) < END_OF_TIME
    ? new Date(time as number).toISOString()
    : undefined;

function partsOf(text: string): (AlertPlace & { of: string }) | undefined {
  const [of, rank, time, alert_id] = placeParts(text) ?? [];
  const severity = SEVERITIES.find((_, index) => index === rank);
  if (typeof of !== 'string' || !severity || typeof alert_id !== 'string' || !UUID.test(alert_id)) return undefined;
  const first_seen_at = timeIn(time);
  return first_seen_at === undefined ? undefined : { of, severity, first_seen_at, alert_id };
}
