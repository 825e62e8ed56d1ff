import { TENANT_ID_PATTERN } from '@tocsin/contracts';
import { text } from './json-schema';

// Fields that types of several rooms have.

export const tenantId = text('The tenant that it belongs to.', { pattern: TENANT_ID_PATTERN.source });

export const cursor = text('A position in the stream: send it as Last-Event-ID, or as last_event_id in the address.', {
  minLength: 1,
});
