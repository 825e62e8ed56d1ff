import { TENANT_ID_PATTERN } from '@tocsin/contracts';
import { text } from './json-schema';

// Fields that types of several rooms have.

export const tenantId = text('The tenant that it belongs to.', { pattern: TENANT_ID_PATTERN.source });

/** What `VisibleTenants.addressesShownTo` leaves of an address. */
export const shownAddress = text(
  'An address. Of a webhook only the scheme and host, https://hooks.example.com/…, unless the token may act in the ' +
    'tenant: with chats the rest is the credential.',
);

export const cursor = text('A position in the stream: send it as Last-Event-ID, or as last_event_id in the address.', {
  minLength: 1,
});
