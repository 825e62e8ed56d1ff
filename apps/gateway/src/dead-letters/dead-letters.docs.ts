import { applyDecorators } from '@nestjs/common';
import { list, nullable, object, ref, text, integer } from '../description/json-schema';
import {
  Answer,
  ApiOperation,
  ApiTags,
  Needs,
  PathParameter,
  Problems,
  QUEUE_PROBLEMS,
  TENANT_PROBLEMS,
} from '../description/operation.docs';
import type { BuriedLetter } from '@tocsin/contracts/ports';

/** The controller itself compares the scopes: an operator's token needs another one. */
export const deadLetters = applyDecorators(
  ApiTags('dead letters'),
  Needs('dead_letters:manage'),
  Problems(...TENANT_PROBLEMS),
);

const letterId = PathParameter(
  'id',
  integer(undefined, { minimum: 1, maximum: 999_999_999_999_999 }),
  'The number of a letter.',
);

export const listDeadLetters = applyDecorators(
  ApiOperation({
    summary: 'List dead letters',
    description: "Those of the user's tenants; with the scope dead_letters:operate instead, all of them.",
  }),
  Answer(
    200,
    'A page of them.',
    object<{ items: BuriedLetter[]; cursor: string | null }>({
      items: list(ref('DeadLetter')),
      cursor: nullable(text('Asks for the next page; null: there is none.')),
    }),
  ),
);

export const summariseDeadLetters = applyDecorators(
  ApiOperation({
    summary: 'Count the open dead letters, with the newest of them',
    description: 'Of the same letters as the list. It is small: a page may ask for it regularly.',
  }),
  Answer(200, 'How many are open.', ref('DeadLetterSummary')),
);

export const showDeadLetter = applyDecorators(
  ApiOperation({ summary: 'Show a letter with its message' }),
  letterId,
  Answer(200, 'The letter.', ref('DeadLetterWithBody')),
  Problems('not_found'),
);

export const redriveDeadLetter = applyDecorators(
  ApiOperation({
    summary: "Publish a letter's message again, unchanged",
    description: 'Repeating it has no further effect.',
  }),
  letterId,
  Answer(200, 'The message is in the queue.', ref('DeadLetter')),
  Problems('not_found', 'already_decided', 'truncated', ...QUEUE_PROBLEMS, 'role_forbidden'),
);

export const discardDeadLetter = applyDecorators(
  ApiOperation({ summary: 'Discard a letter, with a note' }),
  letterId,
  Answer(200, 'The letter is discarded.', ref('DeadLetter')),
  Problems('not_found', 'already_decided', 'role_forbidden'),
);

export const redriveDeadLetters = applyDecorators(
  ApiOperation({ summary: 'Redrive open letters, the oldest first' }),
  Answer(200, 'What was done, and what is left to do.', ref('Settled')),
  Problems(...QUEUE_PROBLEMS, 'role_forbidden'),
);

export const discardDeadLetters = applyDecorators(
  ApiOperation({ summary: 'Discard open letters, the oldest first' }),
  Answer(200, 'What was done, and what is left to do.', ref('Settled')),
  Problems('role_forbidden'),
);
