import type { PushBrowser, PushState, SeenCursor, SignedIn, SignedOut, TenantsPage } from '@tocsin/contracts';
import { count, list, nullable, object, text, time, type Schema } from '../description/json-schema';
import { tenantId } from '../description/wire-fields';

/** The schemas of what a user has: tenants, how far they were read, a session, browsers that get push messages. */
export const USER_SCHEMAS = {
  TenantsPage: object<TenantsPage>({
    tenants: list(
      object<TenantsPage['tenants'][number]>({
        tenant_id: tenantId,
        name: text(),
        role: text('viewer may only read; any other role may also act.'),
      }),
    ),
  }),
  SeenCursor: object<SeenCursor>(
    { tenants: list(object<SeenCursor['tenants'][number]>({ tenant_id: tenantId, epoch: text(), seq: count() })) },
    { description: 'How far a user has seen each tenant.' },
  ),
  SignedIn: object<SignedIn>(
    {
      user_id: text(),
      scopes: list(text()),
      ends_at: time('When the session ends, however much it is used.'),
    },
    { description: 'The session of a person who signed in through the OpenID provider.' },
  ),
  SignedOut: object<SignedOut>({
    end_session_url: nullable(
      text('Where the browser goes to sign out at the provider as well; null: the provider has no such address.'),
    ),
  }),
  PushState: object<PushState>(
    {
      public_key: nullable(text('The key to subscribe with, in base64url; null: no push messages are sent here.')),
      browsers: list(
        object<PushBrowser>({
          browser_id: text('SHA-256 of the endpoint, in hexadecimal.', { pattern: '^[0-9a-f]{64}$' }),
          tenants: list(tenantId),
          renewed_at: time('When the browser last renewed its subscription.'),
          expires_at: time('When the subscription is deleted, unless it is renewed.'),
        }),
      ),
    },
    { description: 'The browsers that show alerts to the user while the page is closed.' },
  ),
} satisfies Record<string, Schema>;
