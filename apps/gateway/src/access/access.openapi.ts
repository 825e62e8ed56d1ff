import { ref } from '../docs/json-schema';
import { BODY_PROBLEMS, TENANT_PROBLEMS, type Paths } from '../docs/operation';
import { schemaOf } from '../docs/request-schema';
import { RevocationBody } from './revocation-body';

export const ACCESS_PATHS: Paths = {
  '/api/v1/tenants': {
    get: {
      id: 'listTenants',
      tag: 'access',
      access: ['alerts:read'],
      summary: "The user's tenants",
      answers: { 200: { description: "The user's tenants.", schema: ref('TenantsPage') } },
      problems: [...TENANT_PROBLEMS, 'invalid_parameter'],
    },
  },
  '/api/v1/revocations': {
    post: {
      id: 'revokeAccess',
      tag: 'access',
      summary: "Revoke a user's tokens, one token, or the access to a tenant",
      description:
        'This gateway applies the revocation before it answers, the others within 2 s. Streams that lose their right end within 3 s.',
      access: ['access:revoke'],
      body: {
        description:
          'The user, and at most one of tenant_id, jti, issued_before. With none, every token of the user issued until now is revoked.',
        required: true,
        schema: { ...schemaOf(RevocationBody), maxProperties: 2 },
      },
      answers: { 202: { description: 'The revocation is stored.', schema: { type: 'object', properties: {} } } },
      problems: BODY_PROBLEMS,
    },
  },
};
