import { list, object, ref, text } from '../docs/json-schema';
import { BODY_PROBLEMS, pathParameter, TENANT_PROBLEMS, type Paths } from '../docs/operation';
import { parametersIn, schemaOf } from '../docs/request-schema';
import { DeliveriesQuery, OneDeliveryQuery, RedriveBody, RedriveManyBody } from './delivery-fields';

const shared = { tag: 'deliveries', access: [] } as const;
const id = pathParameter('id', text(undefined, { format: 'uuid' }), 'The id of the delivery.');
const one = [id, ...parametersIn(OneDeliveryQuery)];
const OPERATOR = 'An operator (dead_letters:operate) names the tenant.';

export const DELIVERY_PATHS: Paths = {
  '/api/v1/alerts/{alert_id}/deliveries': {
    get: {
      tag: 'deliveries',
      access: ['alerts:read'],
      id: 'listAlertDeliveries',
      summary: 'Whom an alert has reached, and how',
      description: 'With every attempt, also the one that is under way. The newest entry of the alert comes first.',
      parameters: [pathParameter('alert_id', text(undefined, { format: 'uuid' }), 'Our id of the alert.')],
      answers: {
        200: {
          description: 'At most 1,000 deliveries.',
          schema: object<{ deliveries: unknown }>({ deliveries: list(ref('Delivery')) }),
        },
      },
      problems: ['not_found', ...TENANT_PROBLEMS],
    },
  },
  '/api/v1/deliveries': {
    get: {
      ...shared,
      id: 'listDeliveries',
      summary: 'List the deliveries of a tenant, the newest first',
      description: `Needs alerts:read. ${OPERATOR}`,
      parameters: parametersIn(DeliveriesQuery).map((parameter) => ({
        ...parameter,
        required: parameter.name === 'tenant',
      })),
      answers: { 200: { description: 'A page of them.', schema: ref('DeliveryPage') } },
      problems: ['invalid_parameter', 'invalid_cursor', ...TENANT_PROBLEMS],
    },
  },
  '/api/v1/deliveries/redrive': {
    post: {
      ...shared,
      id: 'redriveDeliveries',
      summary: 'Send dead deliveries of a tenant again',
      description: `The newest first. Needs alerts:write. ${OPERATOR}`,
      body: { description: 'Which of them.', schema: schemaOf(RedriveManyBody) },
      answers: { 200: { description: 'How many, and where to go on.', schema: ref('Redriven') } },
      problems: [...BODY_PROBLEMS, 'invalid_cursor', 'role_forbidden', 'delivery_conflict', ...TENANT_PROBLEMS],
    },
  },
  '/api/v1/deliveries/{id}': {
    get: {
      ...shared,
      id: 'showDelivery',
      summary: 'Show a delivery with its attempts',
      description: `Needs alerts:read. ${OPERATOR}`,
      parameters: one,
      answers: { 200: { description: 'The delivery.', schema: ref('Delivery') } },
      problems: ['not_found', 'invalid_parameter', ...TENANT_PROBLEMS],
    },
    delete: {
      ...shared,
      id: 'cancelDelivery',
      summary: 'Cancel a delivery that waits',
      description: `Needs alerts:write. ${OPERATOR}`,
      parameters: one,
      answers: { 200: { description: 'The delivery as it is now.', schema: ref('Delivery') } },
      problems: ['not_found', 'invalid_parameter', 'role_forbidden', 'delivery_conflict', ...TENANT_PROBLEMS],
    },
  },
  '/api/v1/deliveries/{id}/redrive': {
    post: {
      ...shared,
      id: 'redriveDelivery',
      summary: 'Send a dead delivery again',
      description: `Under the same id; its age counts from now. Needs alerts:write. ${OPERATOR}`,
      parameters: one,
      body: { description: 'Whether it may arrive twice.', schema: schemaOf(RedriveBody) },
      answers: { 200: { description: 'The delivery as it is now.', schema: ref('Delivery') } },
      problems: [
        ...BODY_PROBLEMS,
        'not_found',
        'invalid_parameter',
        'role_forbidden',
        'delivery_conflict',
        ...TENANT_PROBLEMS,
      ],
    },
  },
};
