import { ref, type Schema } from '../docs/json-schema';
import { BODY_PROBLEMS, TENANT_PROBLEMS, type Paths } from '../docs/operation';
import { schemaOf } from '../docs/request-schema';
import { SeenBody } from './seen-body';

const { tenants, cursor } = schemaOf(SeenBody).properties!;
/** Either of them. */
const seen: Schema = {
  anyOf: [
    { type: 'object', properties: { tenants: tenants! }, required: ['tenants'], additionalProperties: false },
    { type: 'object', properties: { cursor: cursor! }, required: ['cursor'], additionalProperties: false },
  ],
};
const shared = { tag: 'log', access: ['alerts:read'] } as const;

export const SEEN_PATHS: Paths = {
  '/api/v1/me/cursor': {
    get: {
      ...shared,
      id: 'readSeenCursor',
      summary: 'How far the user has seen each tenant',
      answers: { 200: { description: 'The positions seen, on any device.', schema: ref('SeenCursor') } },
      problems: TENANT_PROBLEMS,
    },
    put: {
      ...shared,
      id: 'moveSeenCursor',
      summary: 'Say how far the user has seen',
      description: 'The position only moves forward; a position in a history that was replaced is ignored.',
      body: { description: 'A position of each tenant, or the cursor of a stream.', required: true, schema: seen },
      answers: { 200: { description: 'The stored positions, on any device.', schema: ref('SeenCursor') } },
      problems: [...BODY_PROBLEMS, 'batch_too_large', ...TENANT_PROBLEMS],
    },
  },
};
