import { applyDecorators } from '@nestjs/common';
import { text } from '../description/json-schema';
import {
  Answer,
  ApiConsumes,
  ApiOperation,
  Body,
  HeaderParameter,
  Problems,
  QueryParameter,
} from '../description/operation.docs';

const callback = applyDecorators(
  HeaderParameter(
    'X-Twilio-Signature',
    text(undefined, { minLength: 1 }),
    "Twilio's signature of the address below PUBLIC_URL and of the form, with the auth token of the account.",
  ),
  ApiConsumes('application/x-www-form-urlencoded'),
  Body('The form of Twilio.', { type: 'object', properties: {}, additionalProperties: { type: 'string' } }),
  Problems(
    'invalid_signature',
    'not_found',
    'rate_limited',
    'body_too_large',
    'overloaded',
    'unsupported_media_type',
    'store_unavailable',
  ),
);

export const reportTwilioStatus = applyDecorators(
  ApiOperation({ summary: 'Report on an SMS or a WhatsApp message; called by Twilio' }),
  QueryParameter({ name: 'tenant', schema: text(), description: 'The tenant of the delivery.' }),
  QueryParameter({ name: 'delivery', schema: text(undefined, { format: 'uuid' }), description: 'The delivery.' }),
  callback,
  Answer(204, 'It is on record, or says nothing new.'),
);

export const receiveTwilioReply = applyDecorators(
  ApiOperation({
    summary: 'A reply to an SMS or a WhatsApp message; called by Twilio',
    description:
      '`ack <number>` acknowledges the alert that the phone was told of under this number within 7 days. If ' +
      'several tenants have sent this number, the newest one counts; `ack <number> <tenant>` names the tenant.',
  }),
  callback,
  Answer(200, 'The answer for the phone, as TwiML.', text(), ['text/xml']),
);
