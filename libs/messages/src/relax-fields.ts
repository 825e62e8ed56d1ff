import { CHANNELS } from '@tocsin/contracts';
import { PRINTABLE_ASCII, SLUG } from './alert-message';
import { digest } from './body-hash';
import { asDeepAsMayBe, asText } from './json-text';
import type { MessageFields } from './message-fields';
import type { Judgement } from './parsed-message';

const TEXTS = ['tenant_id', 'service', 'id', 'dedup_key', 'name', 'title', 'message'] as const;

/**
 * An empty value counts as absent for these fields: in lenient mode a blank name, in strict mode an empty id, for which
 * one is made.
 */
const NONE_WHEN_EMPTY = { strict: ['id'], lenient: ['tenant_id', 'service', 'id', 'dedup_key', 'name'] } as const;

/** Removes values that count as absent, and blanks around a title. */
export function dropEmpty(fields: MessageFields, judgement: Judgement): void {
  for (const name of NONE_WHEN_EMPTY[judgement]) {
    const value = fields[name];
    if (typeof value === 'string' && value.trim() === '') fields[name] = undefined;
  }
  // in both modes, so that a title is stored as it was validated
  if (typeof fields.title === 'string' && !WELL_SET_LINE.test(fields.title) && judgement === 'strict')
    fields.title = fields.title.trim();
}

/** Text that needs no correction: checking costs less than copying. */
const WELL_SET_LINE = /^[^\s](?:[^\r\n\t]*[^\s])?$/;
/** A longer name is refused for its length, so no slug is made of it. */
const LONGEST_NAME = 1_000;

/** Corrects values whose meaning is clear although they have another JSON type. */
export function relax(fields: MessageFields): void {
  for (const name of TEXTS) {
    if (typeof fields[name] === 'number' || typeof fields[name] === 'boolean') fields[name] = String(fields[name]);
  }
  if (typeof fields.title === 'string' && !WELL_SET_LINE.test(fields.title))
    fields.title = fields.title.replace(/[\r\n\t]+/g, ' ').trim() || undefined;
  if (typeof fields.name === 'string' && fields.name.length <= LONGEST_NAME && !SLUG.test(fields.name))
    fields.name = fields.name.replace(/[^A-Za-z0-9._:/-]+/g, '_').replace(/^[^A-Za-z0-9]+|_+$/g, '') || undefined;
  if (typeof fields.id === 'string' && fields.id.length <= 200 && !PRINTABLE_ASCII.test(fields.id))
    fields.id = digest(fields.id);
  if (typeof fields.metadata !== 'object' || Array.isArray(fields.metadata)) {
    if (fields.metadata !== undefined) fields.metadata = { value: asDeepAsMayBe(fields.metadata) };
  }
  if (
    typeof fields.labels === 'object' &&
    fields.labels !== null &&
    !Object.values(fields.labels).every((label) => typeof label === 'string')
  ) {
    fields.labels = Object.fromEntries(Object.entries(fields.labels).map(([key, value]) => [key, asText(value)]));
  }
  if (Array.isArray(fields.channels)) {
    // without any known channel the list counts as absent: with an empty one no recipient would be notified
    const known = fields.channels.filter((channel) => CHANNELS.some((name) => name === channel));
    if (known.length > 0) fields.channels = known;
  }
  if (Array.isArray(fields.recipients)) fields.recipients = fields.recipients.map(asText);
}
