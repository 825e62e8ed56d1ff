import { ref, type Schema } from '../docs/json-schema';
import { BODY_PROBLEMS, TENANT_PROBLEMS, type Paths } from '../docs/operation';
import { schemaOf } from '../request/request-schema';
import { RevocationBody } from './revocation-body';

/** Derived from the class that validates it. With the user at most one of the others. */
const { properties, ...rest } = schemaOf(RevocationBody);
const revocation: Schema = {
  ...rest,
  // other times are read as well, and these are the ones that a client should send
  properties: {
    ...properties,
    issued_before: { type: 'string', anyOf: [{ format: 'date-time' }, { format: 'date' }] },
  },
  maxProperties: 2,
};

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
          'Whose right, and which: a tenant, a token by its jti, tokens issued before a time; else all of them.',
        required: true,
        schema: revocation,
      },
      answers: { 202: { description: 'It is stored.', schema: { type: 'object', properties: {} } } },
      problems: BODY_PROBLEMS,
    },
  },
};
