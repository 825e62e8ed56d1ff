import { ERROR_CODES, MAX_ERRORS, type Problem } from '@tocsin/contracts';
import { integer, list, object, oneOf, optional, ref, text, type Schema } from '../description/json-schema';

/** The schema of the body of every error. */
export const PROBLEM_SCHEMA = {
  Problem: object<Problem>(
    {
      type: text(undefined, { format: 'uri-reference' }),
      title: text(),
      status: integer(undefined, { minimum: 400, maximum: 599 }),
      code: oneOf(ERROR_CODES, 'Stable: match on it. /docs/errors says what each means.'),
      detail: optional(text()),
      instance: optional(text("Identifies this response in the gateway's log lines.")),
      errors: optional(
        list(
          object<NonNullable<Problem['errors']>[number]>({
            pointer: optional(text('JSON pointer into the body.')),
            parameter: optional(text()),
            code: oneOf(ERROR_CODES),
            detail: text(),
          }),
          { maxItems: MAX_ERRORS },
        ),
      ),
      more_errors: optional(integer('How many more there are.', { minimum: 1 })),
      alert: optional(ref('Alert')),
      confirmed: optional(
        list(text(), { description: 'With publish_failed: the ids of the messages that the queue has confirmed.' }),
      ),
    },
    { description: 'What went wrong (RFC 9457). Some codes add fields of their own.', additionalProperties: true },
  ),
} satisfies Record<string, Schema>;
