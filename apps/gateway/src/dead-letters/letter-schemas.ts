import type { BuriedLetter } from '@tocsin/contracts/ports';
import { DEAD_LETTER_STATUSES, type DeadLetterSummary } from '@tocsin/contracts/wire';
import {
  anything,
  count,
  flag,
  integer,
  nullable,
  object,
  oneOf,
  text,
  time,
  type Fields,
  type Schema,
} from '../description/json-schema';
import { CODE } from './dead-letter-fields';
import type { ShownLetter } from './dead-letters.controller';
import type { Settled } from './settle-dead-letters';

const reason = text('A code such as invalid_field.', { pattern: CODE.source });

const letter: Fields<BuriedLetter> = {
  dead_letter_id: integer(undefined, { minimum: 1 }),
  tenant_id: nullable(text('Null when the message names no valid tenant.')),
  reason,
  detail: text(),
  routing_key: nullable(text()),
  message_id: nullable(text()),
  message_timestamp: nullable(integer('Epoch seconds.')),
  content_encoding: nullable(text('How the body is compressed.')),
  headers: nullable(anything('The headers that describe the message: attributes of a CloudEvent, the trace.')),
  body_bytes: count('How many bytes of the body are kept.'),
  truncated: flag('The message was longer than what is kept: it cannot be redriven.'),
  buried_at: time(),
  status: oneOf(DEAD_LETTER_STATUSES),
  decided_at: nullable(time()),
  decided_by: nullable(text()),
  note: nullable(text('Why it was discarded.')),
};

export const LETTER_SCHEMAS = {
  DeadLetter: object<BuriedLetter>(letter, { description: 'A message that was refused because of its content.' }),
  DeadLetterWithBody: object<ShownLetter>({
    ...letter,
    body: text('The message as it came.'),
    body_encoding: oneOf(['utf8', 'base64']),
  }),
  DeadLetterSummary: object<DeadLetterSummary>({
    open: count('Open letters within reach.'),
    newest: nullable(
      object<NonNullable<DeadLetterSummary['newest']>>({
        dead_letter_id: letter.dead_letter_id,
        tenant_id: letter.tenant_id,
        reason,
        buried_at: time(),
      }),
    ),
  }),
  Settled: object<Settled>({
    settled: count('Letters decided by this call.'),
    failed: count('Letters that this call tried and the queue did not confirm: they stay open.'),
    left: count('Letters of the set bounded by up_to that are still open.'),
    up_to: count('Send this number with the next call to continue with the same set.'),
  }),
} satisfies Record<string, Schema>;
