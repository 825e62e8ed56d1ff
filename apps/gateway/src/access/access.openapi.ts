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
      answers: { 200: { description: 'All of them.', schema: ref('TenantsPage') } },
      problems: [...TENANT_PROBLEMS, 'invalid_parameter'],
    },
  },
  '/api/v1/revocations': {
    post: {
      id: 'revokeAccess',
      tag: 'access',
      summary: "Take back a user's tokens, one of them, or the access to a tenant",
      description:
        'This gateway knows it when it answers, the others within 2 s. Streams that lose their right to be end within 3 s.',
      access: ['access:revoke'],
      body: {
        description:
          'Whose right, and which: a tenant, a token by its jti, tokens issued before a time (at most one of these); else all of them.',
        required: true,
        schema: { ...schemaOf(RevocationBody), maxProperties: 2 },
      },
      answers: { 202: { description: 'It is stored.', schema: { type: 'object', properties: {} } } },
      problems: BODY_PROBLEMS,
    },
  },
};
