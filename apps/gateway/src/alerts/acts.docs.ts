import { applyDecorators } from '@nestjs/common';
import { ref } from '../description/json-schema';
import { Answer, ApiOperation, Problems, TENANT_PROBLEMS, TakesTraceparent } from '../description/operation.docs';
import { MAX_ALERTS } from './act-body';
import { AlertId } from './alerts.docs';

export const actOnAlert = applyDecorators(
  ApiOperation({
    summary: 'Acknowledge, resolve, snooze, assign or note an alert, or take that back',
    description:
      "Depends on the alert's status. Repeating one's own act is no conflict; a conflict shows the alert as it is now. " +
      'An acknowledgement assigns an alert without an assignee to the caller.',
  }),
  AlertId(),
  TakesTraceparent(),
  Answer(200, 'The alert as it is now.', ref('Alert')),
  Problems('not_found', 'alert_conflict', 'role_forbidden', ...TENANT_PROBLEMS),
);

export const actOnAlerts = applyDecorators(
  ApiOperation({
    summary: `The same for up to ${MAX_ALERTS} alerts`,
    description: 'Each alert has its own outcome.',
  }),
  TakesTraceparent(),
  Answer(200, 'The outcome of each alert.', ref('BulkActed')),
  Problems('empty_batch', 'batch_too_large', 'role_forbidden', ...TENANT_PROBLEMS),
);
