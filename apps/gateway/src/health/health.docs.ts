import { applyDecorators } from '@nestjs/common';
import { ref } from '../description/json-schema';
import { Answer, ApiOperation } from '../description/operation.docs';

export const showHealth = applyDecorators(
  ApiOperation({
    summary: 'How the system is, as the gateway that answers sees it',
    description:
      'For operators. Streams, their users and tenants, and how fast alerts reached them are those of the one gateway that answers; each dependency has the result of its last check, at most 5 s old. The queue, the due deliveries and the processes are those of the installation. What is not known is null. It answers while the database is away.',
  }),
  Answer(200, 'What this gateway knows.', ref('SystemHealth')),
);
