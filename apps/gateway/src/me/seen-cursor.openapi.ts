import { TENANT_ID_PATTERN, type SeenCursor } from '@tocsin/contracts';
import { integer, list, ref, strictObject, text, type Schema } from '../docs/json-schema';
import { BODY_PROBLEMS, TENANT_PROBLEMS, type Paths } from '../docs/operation';
import { EPOCH, MAX_TENANTS } from './seen-body';

const seen: Schema = {
  anyOf: [
    strictObject<SeenCursor>({
      tenants: list(
        strictObject<SeenCursor['tenants'][number]>({
          tenant_id: text(undefined, { pattern: TENANT_ID_PATTERN.source }),
          epoch: text("The first part of a stream's cursor.", { pattern: EPOCH.source }),
          seq: integer(undefined, { minimum: 0, maximum: Number.MAX_SAFE_INTEGER }),
        }),
        { maxItems: MAX_TENANTS, description: 'Each tenant once.' },
      ),
    }),
    strictObject<{ cursor: string }>({ cursor: text('Of a stream, as its last id says it.') }),
  ],
};
const shared = { tag: 'log', access: ['alerts:read'] } as const;

export const SEEN_PATHS: Paths = {
  '/api/v1/me/cursor': {
    get: {
      ...shared,
      id: 'readSeenCursor',
      summary: 'How far the user has seen each tenant',
      answers: { 200: { description: 'On any device.', schema: ref('SeenCursor') } },
      problems: TENANT_PROBLEMS,
    },
    put: {
      ...shared,
      id: 'moveSeenCursor',
      summary: 'Say how far the user has seen',
      description: 'It only moves forward; a position of a history that was replaced is passed over.',
      body: { description: 'A position of each tenant, or the cursor of a stream.', required: true, schema: seen },
      answers: { 200: { description: 'Where it is now, on any device.', schema: ref('SeenCursor') } },
      problems: [...BODY_PROBLEMS, 'batch_too_large', ...TENANT_PROBLEMS],
    },
  },
};
