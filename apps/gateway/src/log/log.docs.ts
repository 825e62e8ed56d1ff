import { applyDecorators } from '@nestjs/common';
import { ref } from '../description/json-schema';
import { Answer, ApiOperation, Problems, TENANT_PROBLEMS } from '../description/operation.docs';

export const listEvents = applyDecorators(
  ApiOperation({
    summary: 'Read the event log after a position',
    description:
      'From the oldest entry that is kept, or after the cursor of a page or of a stream. Several tenants are read one after the other.',
  }),
  Answer(200, 'A page of entries.', ref('EntryPage')),
  Problems('invalid_cursor', 'cursor_expired', 'too_many_tenants', ...TENANT_PROBLEMS),
);
