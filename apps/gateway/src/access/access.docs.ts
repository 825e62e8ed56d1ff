import { applyDecorators } from '@nestjs/common';
import { ref } from '../description/json-schema';
import { Answer, ApiOperation, Problems, TENANT_PROBLEMS } from '../description/operation.docs';

export const listTenants = applyDecorators(
  ApiOperation({ summary: "The user's tenants" }),
  Answer(200, "The user's tenants.", ref('TenantsPage')),
  Problems(...TENANT_PROBLEMS),
);

export const revokeAccess = applyDecorators(
  ApiOperation({
    summary: "Revoke a user's tokens, one token, or the access to a tenant",
    description:
      'This gateway applies the revocation before it answers, the others within 2 s. Streams that lose their right end within 3 s.',
  }),
  Answer(202, 'The revocation is stored.', { type: 'object', properties: {} }),
);
