import { applyDecorators } from '@nestjs/common';
import { ref } from '../description/json-schema';
import { Answer, ApiOperation, Problems, TENANT_PROBLEMS } from '../description/operation.docs';

const operation = (summary: string, description?: string) =>
  applyDecorators(
    ApiOperation({ summary, ...(description && { description }) }),
    Answer(200, "The key to subscribe with, and the user's browsers.", ref('PushState')),
    Problems(...TENANT_PROBLEMS),
  );

export const showPush = operation("The user's browsers that get push messages");

export const subscribeToPush = applyDecorators(
  operation(
    'Subscribe a browser to push messages, or renew it',
    'A browser belongs to the user who subscribed it last. Without another call it is forgotten after 30 days.',
  ),
  Problems('empty_batch', 'batch_too_large', 'not_found'),
);

export const unsubscribeFromPush = applyDecorators(
  operation("Unsubscribe one of the user's browsers"),
  Problems('not_found'),
);
