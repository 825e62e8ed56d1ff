import { ref } from '../docs/json-schema';
import { TENANT_PROBLEMS, type Paths } from '../docs/operation';
import { parametersIn } from '../docs/request-schema';
import { LogQuery } from './log-query';

export const LOG_PATHS: Paths = {
  '/api/v1/events': {
    get: {
      id: 'listEvents',
      tag: 'log',
      access: ['alerts:read'],
      summary: 'Read the event log after a position',
      description:
        'From the oldest entry that is kept, or after the cursor of a page or of a stream. Several tenants are read one after the other.',
      parameters: parametersIn(LogQuery),
      answers: { 200: { description: 'A page of entries.', schema: ref('EntryPage') } },
      problems: ['invalid_parameter', 'invalid_cursor', 'cursor_expired', 'too_many_tenants', ...TENANT_PROBLEMS],
    },
  },
};
