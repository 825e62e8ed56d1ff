import { DEAD_LETTER_STATUSES, type BuriedLetter } from '@tocsin/contracts/ports';
import {
  anything,
  count,
  flag,
  integer,
  list,
  nullable,
  object,
  oneOf,
  ref,
  text,
  time,
  type Fields,
  type Schema,
} from '../docs/json-schema';
import { BODY_PROBLEMS, pathParameter, TENANT_PROBLEMS, type Operation, type Paths } from '../docs/operation';
import { parametersIn, schemaOf } from '../docs/request-schema';
import { CODE, DeadLettersQuery, DiscardBody, DiscardManyBody, ManyLettersBody } from './dead-letter-fields';
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

export const DEAD_LETTER_SCHEMAS = {
  DeadLetter: object<BuriedLetter>(letter, { description: 'A message that was refused because of its content.' }),
  DeadLetterWithBody: object<ShownLetter>({
    ...letter,
    body: text('The message as it came.'),
    body_encoding: oneOf(['utf8', 'base64']),
  }),
  Settled: object<Settled>({
    settled: count('Letters decided by this call.'),
    failed: count('Letters that this call tried and the queue did not confirm: they stay open.'),
    left: count('Letters of the set bounded by up_to that are still open.'),
    up_to: count('Send this number with the next call to continue with the same set.'),
  }),
} satisfies Record<string, Schema>;

const access: Operation['access'] = ['dead_letters:manage'];
const id = pathParameter(
  'id',
  integer(undefined, { minimum: 1, maximum: 999_999_999_999_999 }),
  'The number of a letter.',
);
const shared = { tag: 'dead letters', access } as const;

export const DEAD_LETTER_PATHS: Paths = {
  '/api/v1/dead-letters': {
    get: {
      ...shared,
      id: 'listDeadLetters',
      summary: 'List dead letters, the oldest first',
      description: "Those of the user's tenants; with the scope dead_letters:operate instead, all of them.",
      parameters: parametersIn(DeadLettersQuery),
      answers: {
        200: {
          description: 'A page of them.',
          schema: object<{ items: BuriedLetter[]; cursor: string | null }>({
            items: list(ref('DeadLetter')),
            cursor: nullable(text('Asks for the next page; null: there is none.')),
          }),
        },
      },
      problems: ['invalid_parameter', ...TENANT_PROBLEMS],
    },
  },
  '/api/v1/dead-letters/{id}': {
    get: {
      ...shared,
      id: 'showDeadLetter',
      summary: 'Show a letter with its message',
      parameters: [id],
      answers: { 200: { description: 'The letter.', schema: ref('DeadLetterWithBody') } },
      problems: ['not_found', ...TENANT_PROBLEMS],
    },
  },
  '/api/v1/dead-letters/{id}/redrive': {
    post: {
      ...shared,
      id: 'redriveDeadLetter',
      summary: "Publish a letter's message again, unchanged",
      description: 'Repeating it has no further effect.',
      parameters: [id],
      answers: { 200: { description: 'The message is in the queue.', schema: ref('DeadLetter') } },
      problems: ['not_found', 'already_decided', 'truncated', 'publish_failed', 'role_forbidden', ...TENANT_PROBLEMS],
    },
  },
  '/api/v1/dead-letters/{id}/discard': {
    post: {
      ...shared,
      id: 'discardDeadLetter',
      summary: 'Discard a letter, with a note',
      parameters: [id],
      body: { description: 'Why.', required: true, schema: schemaOf(DiscardBody) },
      answers: { 200: { description: 'The letter is discarded.', schema: ref('DeadLetter') } },
      problems: [...BODY_PROBLEMS, 'not_found', 'already_decided', 'role_forbidden', ...TENANT_PROBLEMS],
    },
  },
  '/api/v1/dead-letters/redrive': {
    post: {
      ...shared,
      id: 'redriveDeadLetters',
      summary: 'Redrive open letters, the oldest first',
      body: {
        description: 'The letters; without a body every open letter within reach.',
        schema: schemaOf(ManyLettersBody),
      },
      answers: { 200: { description: 'What was done, and what is left to do.', schema: ref('Settled') } },
      problems: [...BODY_PROBLEMS, 'publish_failed', 'role_forbidden', ...TENANT_PROBLEMS],
    },
  },
  '/api/v1/dead-letters/discard': {
    post: {
      ...shared,
      id: 'discardDeadLetters',
      summary: 'Discard open letters, the oldest first',
      body: {
        description: 'Which, and why.',
        required: true,
        schema: schemaOf(DiscardManyBody),
      },
      answers: { 200: { description: 'What was done, and what is left to do.', schema: ref('Settled') } },
      problems: [...BODY_PROBLEMS, 'role_forbidden', ...TENANT_PROBLEMS],
    },
  },
};
