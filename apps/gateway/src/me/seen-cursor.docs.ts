import { applyDecorators } from '@nestjs/common';
import { ref } from '../description/json-schema';
import { Answer, ApiOperation, Problems, TENANT_PROBLEMS } from '../description/operation.docs';

export const readSeenCursor = applyDecorators(
  ApiOperation({ summary: 'How far the user has seen each tenant' }),
  Answer(200, 'The positions seen, on any device.', ref('SeenCursor')),
  Problems(...TENANT_PROBLEMS),
);

export const moveSeenCursor = applyDecorators(
  ApiOperation({
    summary: 'Say how far the user has seen',
    description: 'The position only moves forward; a position in a history that was replaced is ignored.',
  }),
  Answer(200, 'The stored positions, on any device.', ref('SeenCursor')),
  Problems('batch_too_large', ...TENANT_PROBLEMS),
);
