import { ref, text } from '../docs/json-schema';
import { BODY_PROBLEMS, TENANT_PROBLEMS, type Parameter, type Paths } from '../docs/operation';
import { parametersIn, schemaOf } from '../docs/request-schema';
import { RecipientsBody, RecipientsQuery } from './recipients-body';

const parameters = parametersIn(RecipientsQuery).map((parameter) => ({ ...parameter, required: true }));
const IF_MATCH: Parameter = {
  name: 'If-Match',
  in: 'header',
  description: 'The ETag of the recipients that were read: they are replaced only while they have it.',
  schema: text(),
};

export const RECIPIENT_PATHS: Paths = {
  '/api/v1/recipients': {
    get: {
      tag: 'deliveries',
      access: ['alerts:read'],
      id: 'readRecipients',
      summary: 'Who is told of alerts whose messages name nobody',
      parameters,
      answers: { 200: { description: 'All recipients of the tenant, with an ETag.', schema: ref('TenantRecipients') } },
      problems: ['invalid_parameter', ...TENANT_PROBLEMS],
    },
    put: {
      tag: 'deliveries',
      access: ['alerts:write'],
      id: 'replaceRecipients',
      summary: 'Replace the recipients of a tenant',
      parameters: [...parameters, IF_MATCH],
      body: {
        description: 'All recipients: severity, channel, addresses.',
        required: true,
        schema: schemaOf(RecipientsBody),
      },
      answers: { 200: { description: 'The recipients as they are now.', schema: ref('TenantRecipients') } },
      problems: [
        ...BODY_PROBLEMS,
        'invalid_parameter',
        'invalid_recipient',
        'role_forbidden',
        'changed_meanwhile',
        ...TENANT_PROBLEMS,
      ],
    },
  },
};
