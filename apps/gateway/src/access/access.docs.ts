import { applyDecorators } from '@nestjs/common';
import { REVOCATION_IN_FORCE_MS } from '@tocsin/contracts/ports';
import { ref } from '../description/json-schema';
import { Answer, ApiOperation, Problems, TENANT_PROBLEMS } from '../description/operation.docs';

const IN_FORCE_DAYS = REVOCATION_IN_FORCE_MS / 86_400_000;

export const listTenants = applyDecorators(
  ApiOperation({ summary: "The user's tenants" }),
  Answer(200, "The user's tenants.", ref('TenantsPage')),
  Problems(...TENANT_PROBLEMS),
);

export const revokeAccess = applyDecorators(
  ApiOperation({
    summary: "Revoke a user's tokens, one token, or the access to a tenant",
    description:
      'This gateway applies the revocation before it answers, the others within 2 s. Streams that lose their right ' +
      `end within 3 s. A revocation is in force for ${IN_FORCE_DAYS} days: a token that lives longer is valid again ` +
      "after that. Where the issuer's clock is ahead, a token from just before the revocation seems to be newer and is " +
      'not refused: send `issued_before` with a time that is as far ahead.',
  }),
  Answer(202, 'The revocation is stored.', { type: 'object', properties: {} }),
);
