import { targetConstructorToSchema } from 'class-validator-jsonschema';
import { LABEL_LIMITS } from '@tocsin/messages';
import type { Schema } from '../docs/json-schema';
import type { RequestClass } from './request-fields';

/** What this gateway's own rules say, by their names. A rule between fields says nothing of one field. */
const CONVERTERS = {
  instant: { type: 'string', format: 'date-time' },
  isLaterThan: {},
  atMostOneOf: {},
  words: { type: 'string' },
  labels: {
    type: 'object',
    maxProperties: LABEL_LIMITS.count,
    propertyNames: { minLength: 1, maxLength: LABEL_LIMITS.key },
    additionalProperties: { type: 'string', maxLength: LABEL_LIMITS.value },
  },
};

/** The JSON Schema of a request's class, derived from the rules of its fields. A field that it does not have is refused. */
export const schemaOf = (type: RequestClass): Schema => ({
  ...(targetConstructorToSchema(type, { additionalConverters: CONVERTERS as never }) as Schema),
  additionalProperties: false,
});
