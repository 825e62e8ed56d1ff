import { applyDecorators } from '@nestjs/common';
import { Answer, ApiOperation, Problems, TENANT_PROBLEMS } from '../description/operation.docs';

export const reportShown = applyDecorators(
  ApiOperation({
    summary: 'Say when entries were shown',
    description:
      'Measures how long traced alerts take to the screen. Entries of other tenants, and those whose trace is not ' +
      'recorded or that this gateway has not streamed lately, are passed over.',
  }),
  Answer(204, 'Taken.'),
  Problems(...TENANT_PROBLEMS),
);
