import { applyDecorators } from '@nestjs/common';
import { list, object, ref, text } from '../description/json-schema';
import { Answer, ApiOperation, Needs, PathParameter, Problems, TENANT_PROBLEMS } from '../description/operation.docs';

const webhookId = PathParameter('id', text(undefined, { format: 'uuid' }), 'The id of a webhook.');
const reads = applyDecorators(Needs('alerts:read'), Problems(...TENANT_PROBLEMS));
const acts = applyDecorators(Needs('alerts:write'), Problems('role_forbidden', ...TENANT_PROBLEMS));

export const listWebhooks = applyDecorators(
  ApiOperation({ summary: 'List the addresses to which webhooks are posted, the oldest first' }),
  reads,
  Answer(200, 'At most 1,000 of them.', object({ webhooks: list(ref('WebhookEndpoint')) })),
  Problems('too_many_tenants'),
);

export const configureWebhook = applyDecorators(
  ApiOperation({
    summary: 'Configure an address, before or after its first use',
    description: 'A receiver can have its secret before the first alert. What is left out stays as it is.',
  }),
  acts,
  Answer(200, 'The webhook of this address.', ref('WebhookEndpoint')),
  Problems('invalid_template'),
);

export const showWebhook = applyDecorators(
  ApiOperation({ summary: 'Show a webhook' }),
  reads,
  webhookId,
  Answer(200, 'The webhook.', ref('WebhookEndpoint')),
  Problems('not_found'),
);

export const changeWebhook = applyDecorators(
  ApiOperation({ summary: 'Change the format, template or headers, switch it on or off, or rotate its secret' }),
  acts,
  webhookId,
  Answer(200, 'The webhook after the change.', ref('WebhookEndpoint')),
  Problems('not_found', 'invalid_template'),
);

export const showWebhookSecret = applyDecorators(
  ApiOperation({ summary: 'Show the secret that verifies its signatures' }),
  acts,
  webhookId,
  Answer(200, 'The secret, and the one before it while it signs too.', ref('WebhookSecret')),
  Problems('not_found'),
);

export const testWebhook = applyDecorators(
  ApiOperation({ summary: 'Send a test notification to it' }),
  acts,
  webhookId,
  Answer(
    202,
    'It is stored, and its delivery and attempts are shown with the notification.',
    object<{ notification_id: string }>({ notification_id: text(undefined, { format: 'uuid' }) }),
  ),
  Problems('not_found'),
);
