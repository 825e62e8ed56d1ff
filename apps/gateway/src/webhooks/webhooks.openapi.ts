import { list, object, ref, text } from '../docs/json-schema';
import { BODY_PROBLEMS, pathParameter, TENANT_PROBLEMS, type Paths } from '../docs/operation';
import { parametersIn, schemaOf } from '../docs/request-schema';
import { TenantsQuery } from '../request/list-parameters';
import { EndpointBody, EndpointChangeBody } from './endpoint-body';

const id = pathParameter('id', text(undefined, { format: 'uuid' }), 'The id of a webhook.');
const reads = { tag: 'webhooks', access: ['alerts:read'] } as const;
const acts = { tag: 'webhooks', access: ['alerts:write'] } as const;

export const WEBHOOK_PATHS: Paths = {
  '/api/v1/webhooks': {
    get: {
      ...reads,
      id: 'listWebhooks',
      summary: 'List the addresses to which webhooks are posted, the oldest first',
      parameters: parametersIn(TenantsQuery),
      answers: {
        200: { description: 'At most 1,000 of them.', schema: object({ webhooks: list(ref('WebhookEndpoint')) }) },
      },
      problems: ['invalid_parameter', 'too_many_tenants', ...TENANT_PROBLEMS],
    },
    post: {
      ...acts,
      id: 'configureWebhook',
      summary: 'Configure an address, before or after its first use',
      description: 'A receiver can have its secret before the first alert. What is left out stays as it is.',
      body: { description: 'The address, and how it is posted to.', required: true, schema: schemaOf(EndpointBody) },
      answers: { 200: { description: 'The webhook of this address.', schema: ref('WebhookEndpoint') } },
      problems: [...BODY_PROBLEMS, 'role_forbidden', ...TENANT_PROBLEMS],
    },
  },
  '/api/v1/webhooks/{id}': {
    get: {
      ...reads,
      id: 'showWebhook',
      summary: 'Show a webhook',
      parameters: [id],
      answers: { 200: { description: 'The webhook.', schema: ref('WebhookEndpoint') } },
      problems: ['not_found', ...TENANT_PROBLEMS],
    },
    patch: {
      ...acts,
      id: 'changeWebhook',
      summary: 'Change the format or headers, switch it on or off, or rotate its secret',
      parameters: [id],
      body: { description: 'What changes.', required: true, schema: schemaOf(EndpointChangeBody) },
      answers: { 200: { description: 'The webhook after the change.', schema: ref('WebhookEndpoint') } },
      problems: [...BODY_PROBLEMS, 'not_found', 'role_forbidden', ...TENANT_PROBLEMS],
    },
  },
  '/api/v1/webhooks/{id}/secret': {
    get: {
      ...acts,
      id: 'showWebhookSecret',
      summary: 'Show the secret that verifies its signatures',
      parameters: [id],
      answers: {
        200: { description: 'The secret, and the one before it while it signs too.', schema: ref('WebhookSecret') },
      },
      problems: ['not_found', 'role_forbidden', ...TENANT_PROBLEMS],
    },
  },
  '/api/v1/webhooks/{id}/test': {
    post: {
      ...acts,
      id: 'testWebhook',
      summary: 'Send a test notification to it',
      parameters: [id],
      answers: {
        202: {
          description: 'It is stored, and its delivery and attempts are shown with the notification.',
          schema: object<{ notification_id: string }>({ notification_id: text(undefined, { format: 'uuid' }) }),
        },
      },
      problems: ['not_found', 'role_forbidden', ...TENANT_PROBLEMS],
    },
  },
};
