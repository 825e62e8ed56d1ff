import { text, type Schema } from '../docs/json-schema';
import { queryParameter, type Operation, type Paths } from '../docs/operation';

const form: Schema = { type: 'object', properties: {}, additionalProperties: { type: 'string' } };
const signature = {
  name: 'X-Twilio-Signature',
  in: 'header',
  description:
    "Twilio's signature of the address below PUBLIC_URL and of the form, with the auth token of the account.",
  schema: text(undefined, { minLength: 1 }),
} as const;
const shared = {
  tag: 'providers',
  access: 'none',
  body: {
    description: 'The form of Twilio.',
    required: true,
    types: ['application/x-www-form-urlencoded'],
    schema: form,
  },
  problems: [
    'invalid_signature',
    'not_found',
    'rate_limited',
    'body_too_large',
    'overloaded',
    'unsupported_media_type',
    'store_unavailable',
  ],
} as const satisfies Partial<Operation>;

export const TWILIO_PATHS: Paths = {
  '/api/v1/providers/twilio/status': {
    post: {
      ...shared,
      id: 'reportTwilioStatus',
      summary: 'What became of an SMS or a WhatsApp message; called by Twilio',
      parameters: [
        queryParameter('tenant', text(), 'The tenant of the delivery.'),
        queryParameter('delivery', text(undefined, { format: 'uuid' }), 'The delivery.'),
        signature,
      ],
      answers: { 204: { description: 'It is on record, or says nothing new.' } },
    },
  },
  '/api/v1/providers/twilio/inbound': {
    post: {
      ...shared,
      id: 'receiveTwilioReply',
      summary: 'A reply to an SMS or a WhatsApp message; called by Twilio',
      description:
        '`ack <number>` acknowledges the alert of which the phone was told under this number within 7 days: of several tenants the newest. `ack <number> <tenant>` names the tenant.',
      parameters: [signature],
      answers: { 200: { description: 'What the phone is answered, as TwiML.', types: ['text/xml'], schema: text() } },
    },
  },
};
