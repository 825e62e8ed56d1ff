import { applyDecorators } from '@nestjs/common';
import { list, object, ref, text } from '../description/json-schema';
import { Answer, ApiOperation, Needs, PathParameter, Problems, TENANT_PROBLEMS } from '../description/operation.docs';

const OPERATOR = 'An operator (dead_letters:operate) names the tenant.';
const deliveryId = PathParameter('id', text(undefined, { format: 'uuid' }), 'The id of the delivery.');

/** The controller itself compares the scopes, because an operator's token needs another scope. */
export const deliveries = applyDecorators(Needs(), Problems(...TENANT_PROBLEMS));

export const listAlertDeliveries = applyDecorators(
  ApiOperation({
    summary: 'List the deliveries of an alert',
    description: 'With every attempt, including one under way. The deliveries of the newest entry come first.',
  }),
  PathParameter('alert_id', text(undefined, { format: 'uuid' }), 'Our id of the alert.'),
  Answer(200, 'At most 1,000 deliveries.', object<{ deliveries: unknown }>({ deliveries: list(ref('Delivery')) })),
  Problems('not_found', ...TENANT_PROBLEMS),
);

export const listDeliveries = applyDecorators(
  ApiOperation({
    summary: 'List the deliveries of a tenant, the newest first',
    description: `Needs alerts:read. ${OPERATOR}`,
  }),
  Answer(200, 'A page of them.', ref('DeliveryPage')),
  Problems('invalid_cursor'),
);

export const redriveDeliveries = applyDecorators(
  ApiOperation({
    summary: 'Send dead deliveries of a tenant again',
    description: `The newest first. Needs alerts:write. ${OPERATOR}`,
  }),
  Answer(200, 'How many, and where to go on.', ref('Redriven')),
  Problems('invalid_cursor', 'role_forbidden', 'delivery_conflict'),
);

export const showDelivery = applyDecorators(
  ApiOperation({ summary: 'Show a delivery with its attempts', description: `Needs alerts:read. ${OPERATOR}` }),
  deliveryId,
  Answer(200, 'The delivery.', ref('Delivery')),
  Problems('not_found'),
);

export const cancelDelivery = applyDecorators(
  ApiOperation({ summary: 'Cancel a delivery that waits', description: `Needs alerts:write. ${OPERATOR}` }),
  deliveryId,
  Answer(200, 'The delivery as it is now.', ref('Delivery')),
  Problems('not_found', 'role_forbidden', 'delivery_conflict'),
);

export const redriveDelivery = applyDecorators(
  ApiOperation({
    summary: 'Send a dead delivery again',
    description: `It keeps its id, and its age counts from now. Needs alerts:write. ${OPERATOR}`,
  }),
  deliveryId,
  Answer(200, 'The delivery as it is now.', ref('Delivery')),
  Problems('not_found', 'role_forbidden', 'delivery_conflict'),
);
