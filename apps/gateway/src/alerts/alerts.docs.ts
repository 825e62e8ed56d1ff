import { applyDecorators } from '@nestjs/common';
import { ref, text } from '../description/json-schema';
import { Answer, ApiOperation, PathParameter, Problems, TENANT_PROBLEMS } from '../description/operation.docs';

export const AlertId = () => PathParameter('alert_id', text(undefined, { format: 'uuid' }), 'Our id of the alert.');

export const listAlerts = applyDecorators(
  ApiOperation({
    summary: 'List alerts',
    description:
      'The field next of a page asks for the following one. A page examines a limited number of alerts: it may be short, and reports how far it searched. A stream that is opened with the cursor brings every change that is not in the page.',
  }),
  Answer(200, 'A page of them.', ref('AlertPage')),
  Problems('too_many_tenants', 'invalid_cursor', ...TENANT_PROBLEMS),
);

export const searchAlerts = applyDecorators(
  ApiOperation({ summary: 'List alerts by a search in the body' }),
  Answer(200, 'A page of them.', ref('AlertPage')),
  Problems('invalid_parameter', 'too_many_tenants', 'invalid_cursor', ...TENANT_PROBLEMS),
);

export const groupAlerts = applyDecorators(
  ApiOperation({
    summary: 'List alerts in groups',
    description:
      'The matching alerts by service, name, tenant or the value of a label: of each group the worst severity, how many alerts it has, and the newest. To list the alerts of a group, add its key to the filter; those of the group without a key are listed with without.',
  }),
  Answer(200, 'A page of groups.', ref('AlertGroupPage')),
  Problems('too_many_tenants', 'invalid_cursor', ...TENANT_PROBLEMS),
);

export const showAlert = applyDecorators(
  ApiOperation({ summary: 'Show an alert' }),
  AlertId(),
  Answer(200, 'The alert as it stands now.', ref('Alert')),
  Problems('not_found', ...TENANT_PROBLEMS),
);

export const showAlertHistory = applyDecorators(
  ApiOperation({ summary: 'What happened to an alert, the newest first' }),
  AlertId(),
  Answer(200, 'A page of its entries.', ref('EntryPage')),
  Problems('not_found', 'invalid_cursor', ...TENANT_PROBLEMS),
);

export const countAlerts = applyDecorators(
  ApiOperation({ summary: 'Counts for a chart' }),
  Answer(200, 'The open alerts, and alerts by the time they were first seen.', ref('AlertStats')),
  Problems('too_many_tenants', ...TENANT_PROBLEMS),
);

export const countByTenant = applyDecorators(
  ApiOperation({
    summary: 'Counts of each tenant',
    description:
      'What is open in each of the tenants, and how many of its alerts were first seen in each of 24 whole hours, of which the last is under way. Each tenant has its own bound.',
  }),
  Answer(200, 'The numbers of each tenant.', ref('TenantStatsPage')),
  Problems('too_many_tenants', ...TENANT_PROBLEMS),
);
