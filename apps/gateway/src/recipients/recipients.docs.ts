import { applyDecorators } from '@nestjs/common';
import { ref, text } from '../description/json-schema';
import { Answer, ApiOperation, HeaderParameter, Needs, Problems, TENANT_PROBLEMS } from '../description/operation.docs';

export const readRecipients = applyDecorators(
  ApiOperation({ summary: 'Show the recipients of alerts whose messages name none' }),
  Needs('alerts:read'),
  Answer(200, 'All recipients of the tenant, with an ETag.', ref('TenantRecipients')),
  Problems(...TENANT_PROBLEMS),
);

export const replaceRecipients = applyDecorators(
  ApiOperation({ summary: 'Replace the recipients of a tenant' }),
  Needs('alerts:write'),
  HeaderParameter(
    'If-Match',
    text(),
    'The ETag of the recipients that were read: they are replaced only while they have it.',
  ),
  Answer(200, 'The recipients as they are now.', ref('TenantRecipients')),
  Problems('invalid_recipient', 'role_forbidden', 'changed_meanwhile', ...TENANT_PROBLEMS),
);
